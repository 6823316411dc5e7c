"""Criteria as SQL: the conditions on a document, and the queries that find the documents which may meet them."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amp.adapters.embedded.search_rows import LABELS, NAME_WORDS
from amp.adapters.embedded.search_sql import FALSE, TRUE, Sql, joined, values_of
from amp.adapters.embedded.search_word_conditions import DocumentsWithWords, EntriesWithWords
from amp.domain.assets import Scalar
from amp.domain.criteria import (
    AllOf,
    AnyOf,
    Criteria,
    EntryExists,
    EntryMatches,
    NotOf,
    OneOf,
    Prefix,
    Range,
    RootExists,
    RootField,
    RootMatches,
    Test,
    TextMatches,
    Words,
)
from amp.domain.sort_values import sort_value
from amp.domain.types import FieldType

#: Root fields that are columns of `documents`; labels are entries.
COLUMNS = {field: field.value for field in RootField} | {RootField.CREATED: "created_ms"}
#: Root fields with a SQL index.
_INDEXED = frozenset(COLUMNS) - {RootField.LABELS, RootField.STATE, RootField.VERSION}


@dataclass(frozen=True, slots=True)
class Sources:
    """Queries that together return the numbers of all documents that meet some criteria. They may return a document
    more than once, and may return documents that are not searched.
    """

    queries: tuple[Sql, ...]
    exact: bool  #: whether every searched document that they return meets the criteria
    in_order: bool = False  #: whether they return documents by number, so that neighbours are stored close together

    def rows(self, connection: sqlite3.Connection, limit: int) -> int:
        """Return the number of rows of the queries, counted up to `limit`."""
        count = 0
        for query in self.queries:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM ({query.text}) LIMIT ?)"
            count += connection.execute(sql, (*query.values, limit - count)).fetchone()[0]
        return count


class Conditions:
    """Creates SQL conditions on documents `d`, with the fields that exist when the search begins."""

    def __init__(self, connection: sqlite3.Connection, *, all_versions: bool) -> None:
        self._connection = connection
        self._all_versions = all_versions
        self._latest = "" if all_versions else " AND d.latest = 1"

    def fields(self, key: str, kinds: Iterable[str] = ()) -> str:
        """Return a condition on the number of a field: the field has this key and one of these kinds. No kinds: any."""
        rows = self._connection.execute(
            "SELECT id, kind FROM fields WHERE key = ? AND (latest = 1 OR ?)", (key, self._all_versions)
        )
        allowed = set(kinds)
        return f"IN ({', '.join(str(field_id) for field_id, kind in rows if not allowed or kind in allowed)})"

    def searched(self) -> Sql:
        """Return the condition that `d` is one of the searched documents."""
        return Sql(
            f"(d.deleted = 0{self._latest} AND EXISTS (SELECT 1 FROM read_filters r WHERE r.index_id = d.index_id"
            " AND d.created_ms >= r.start_ms AND (r.end_ms IS NULL OR d.created_ms < r.end_ms)))"
        )

    def holds(self, criteria: Criteria, *, few: bool = False) -> Sql:
        """Return the condition that `d` meets the criteria. It is true or false for every `d`, never null.

        :param few: whether there are so few `d` that it is faster to test the words of each than to search for them.
        """
        match criteria:
            case AllOf(parts):
                return joined("AND", [self.holds(part, few=few) for part in parts], empty=TRUE)
            case AnyOf(parts):
                return joined("OR", [self.holds(part, few=few) for part in parts], empty=FALSE)
            case NotOf(part):
                inner = self.holds(part, few=few)
                return Sql(f"(NOT {inner.text})", inner.values)
            case TextMatches(words):
                return _has(DocumentsWithWords(words), few)
            case RootExists(field) if field is not RootField.LABELS:
                return Sql(f"(d.{COLUMNS[field]} IS NOT NULL)")
            case RootMatches(field, tests) if field is not RootField.LABELS:
                return self._column_holds(field, tests, few)
            case EntryMatches() if with_words := self._entries_with_words(criteria):
                return _has(with_words, few)
            case _:
                entries = self._entries(criteria)
                return Sql(f"EXISTS ({entries.text} AND e.doc = d.doc)", entries.values)

    def sources(self, criteria: Criteria) -> Sources | None:
        """Return the sources of the documents that meet the criteria, or None if there is no index for them."""
        match criteria:
            case AnyOf(parts):
                alternatives = [self.sources(part) for part in parts]
                if None in alternatives:
                    return None
                queries = tuple(query for sources in alternatives if sources for query in sources.queries)
                return Sources(queries, all(sources.exact for sources in alternatives if sources))
            case AllOf(parts):
                first = next(filter(None, map(self.sources, parts)), None)
                return first and Sources(first.queries, exact=False)
            case NotOf():
                return None
            case TextMatches(words):
                return Sources((DocumentsWithWords(words).query(),), exact=True, in_order=True)
            case RootMatches(RootField.NAME, (Words(words),)):
                return Sources((self._names_with(words).query(),), exact=True, in_order=True)
            case EntryMatches() if with_words := self._entries_with_words(criteria):
                return Sources((with_words.query(),), exact=True, in_order=True)
            case RootMatches(RootField.LABELS) | RootExists(RootField.LABELS) | EntryMatches() | EntryExists():
                return Sources((self._entries(criteria),), exact=True, in_order=_reads_one_value(criteria))
            case RootMatches(field) if field in _INDEXED:
                holds = self.holds(criteria)
                columns = f"SELECT d.doc FROM documents d WHERE d.deleted = 0{self._latest} AND {holds.text}"
                return Sources((Sql(columns, holds.values),), exact=True, in_order=_reads_one_value(criteria))
        return None

    def _column_holds(self, field: RootField, tests: Sequence[Test], few: bool) -> Sql:
        # The first part ensures that the condition is never null.
        parts = [Sql(f"d.{COLUMNS[field]} IS NOT NULL")]
        for test in tests:
            if isinstance(test, Words):
                parts.append(_has(self._names_with(test.words), few))
            else:
                parts.append(_compare(f"d.{COLUMNS[field]}", test, None))
        return joined("AND", parts, empty=TRUE)

    def _names_with(self, words: Sequence[str]) -> EntriesWithWords:
        return EntriesWithWords(words, self.fields("", [NAME_WORDS]))

    def _entries_with_words(self, criteria: EntryMatches) -> EntriesWithWords | None:
        """Return the entries that the criteria concern, or None if they do not concern words."""
        words = [word for test in criteria.tests if isinstance(test, Words) for word in test.words]
        comparisons = [test for test in criteria.tests if not isinstance(test, Words)]
        value = joined("AND", [_compare("v.value", test, criteria.kind) for test in comparisons], empty=TRUE)
        return EntriesWithWords(words, self.fields(criteria.key, [criteria.kind]), value) if words else None

    def _entries(self, criteria: Criteria) -> Sql:
        """Return a query for the documents of the matching entries `e`. More conditions can be appended with `AND`."""
        kind: FieldType | None = None
        tests: tuple[Test, ...] = ()
        match criteria:
            case EntryMatches(key, kind, tests):
                fields = self.fields(key, [kind])
            case EntryExists(key):
                fields = self.fields(key)
            case RootMatches(RootField.LABELS, tests):
                fields = self.fields("", [LABELS])
            case RootExists(RootField.LABELS):
                fields = self.fields("", [LABELS])
            case _:
                raise TypeError(f"these criteria do not concern entries: {criteria!r}")
        conditions = [Sql(f"e.field {fields}"), *(_compare("e.value", test, kind) for test in tests)]
        where = " AND ".join(condition.text for condition in conditions)
        return Sql(f"SELECT e.doc FROM entries e WHERE {where}", values_of(conditions))


def _has(words: DocumentsWithWords | EntriesWithWords, few: bool) -> Sql:
    """Return the condition that `d` has these words."""
    if few:
        return words.stored()
    # The query is evaluated once, not for each `d`.
    query = words.query()
    return Sql(f"(d.doc IN ({query.text}))", query.values)


def _reads_one_value(criteria: Criteria) -> bool:
    """Return whether all matches have the same value in a SQL index."""
    tests = criteria.tests if isinstance(criteria, EntryMatches | RootMatches) else ()
    return any(isinstance(test, OneOf) and len(test.values) == 1 for test in tests)


def _compare(column: str, test: Test, kind: FieldType | None) -> Sql:
    """Return the test as a condition on a column. The column contains plain values if `kind` is None, or else sort
    values.
    """

    def stored(value: Scalar) -> Scalar:
        return value if kind is None else sort_value(kind, value)

    match test:
        case OneOf((value,)):
            return Sql(f"{column} = ?", (stored(value),))
        case OneOf(values):
            return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(map(stored, values)))
        case Range(low, high, low_open, high_open):
            parts = []
            if low is not None:
                parts.append(Sql(f"{column} {'>' if low_open else '>='} ?", (stored(low),)))
            if high is not None:
                parts.append(Sql(f"{column} {'<' if high_open else '<='} ?", (stored(high),)))
            return joined("AND", parts, empty=TRUE)
        case Prefix(text):
            begin = str(stored(text))
            end = _prefix_end(begin)
            parts = [Sql(f"{column} >= ?", (begin,)), *([Sql(f"{column} < ?", (end,))] if end is not None else [])]
            return joined("AND", parts, empty=TRUE)
        case Words():
            raise TypeError("Words cannot be compared with a column: use the full-text indices")


def _prefix_end(text: str) -> str | None:
    """Return the smallest text that is greater than every text that starts with this one, or None if there is none."""
    for i in range(len(text) - 1, -1, -1):
        following = ord(text[i]) + 1
        if following <= 0x10FFFF:
            # Surrogates are not characters and cannot be stored.
            return text[:i] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None
