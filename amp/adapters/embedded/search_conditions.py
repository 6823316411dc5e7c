"""Criteria as SQL: the conditions on a document, and the queries that find the documents which may meet them."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amp.adapters.embedded.search_rows import LABELS, NAME_WORDS
from amp.adapters.embedded.search_words import DOC_OF_ROW, ENTRY_OF_ROW, FIELD_OF_ROW, match_of
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
class Sql:
    """A piece of SQL and the values of its placeholders, in order."""

    text: str
    values: tuple[object, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")


def joined(operator: str, parts: Sequence[Sql], *, empty: Sql) -> Sql:
    """Return the parts joined by `AND` or `OR`, in parentheses, or `empty` if there are none."""
    if not parts:
        return empty
    return Sql(f"({f' {operator} '.join(part.text for part in parts)})", values_of(parts))


def values_of(parts: Sequence[Sql]) -> tuple[object, ...]:
    return tuple(value for part in parts for value in part.values)


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

    def holds(self, criteria: Criteria) -> Sql:
        """Return the condition that `d` meets the criteria. It is true or false for every `d`, never null."""
        match criteria:
            case AllOf(parts):
                return joined("AND", [self.holds(part) for part in parts], empty=TRUE)
            case AnyOf(parts):
                return joined("OR", [self.holds(part) for part in parts], empty=FALSE)
            case NotOf(part):
                inner = self.holds(part)
                return Sql(f"(NOT {inner.text})", inner.values)
            case TextMatches(words):
                return _among(_documents_with(words))
            case RootExists(field) if field is not RootField.LABELS:
                return Sql(f"(d.{COLUMNS[field]} IS NOT NULL)")
            case RootMatches(field, tests) if field is not RootField.LABELS:
                return self._column_holds(field, tests)
            case _ if _has_words(criteria):
                return _among(self._entries(criteria))
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
                return Sources((_documents_with(words),), exact=True, in_order=True)
            case RootMatches(RootField.NAME, (Words(words),)):
                return Sources((self._names_with(words),), exact=True, in_order=True)
            case RootMatches(RootField.LABELS) | RootExists(RootField.LABELS) | EntryMatches() | EntryExists():
                return Sources((self._entries(criteria),), exact=True, in_order=_reads_one_value(criteria))
            case RootMatches(field) if field in _INDEXED:
                holds = self.holds(criteria)
                columns = f"SELECT d.doc FROM documents d WHERE d.deleted = 0{self._latest} AND {holds.text}"
                return Sources((Sql(columns, holds.values),), exact=True, in_order=_reads_one_value(criteria))
        return None

    def _column_holds(self, field: RootField, tests: Sequence[Test]) -> Sql:
        # The first part ensures that the condition is never null.
        parts = [Sql(f"d.{COLUMNS[field]} IS NOT NULL")]
        for test in tests:
            if isinstance(test, Words):
                parts.append(_among(self._names_with(test.words)))
            else:
                parts.append(_compare(f"d.{COLUMNS[field]}", test, None))
        return joined("AND", parts, empty=TRUE)

    def _names_with(self, words: Sequence[str]) -> Sql:
        """Return a query for the documents whose name has all these words."""
        return _entries_with(words, self.fields("", [NAME_WORDS]), TRUE)

    def _entries(self, criteria: Criteria) -> Sql:
        """Return a query for the documents of the matching entries, which are called `e` if no words are searched. More
        conditions can be appended with `AND`.
        """
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
        words = [word for test in tests if isinstance(test, Words) for word in test.words]
        comparisons = [test for test in tests if not isinstance(test, Words)]
        if words:
            return _entries_with(
                words, fields, joined("AND", [_compare("v.value", test, kind) for test in comparisons], empty=TRUE)
            )
        conditions = [Sql(f"e.field {fields}"), *(_compare("e.value", test, kind) for test in comparisons)]
        return _select("SELECT e.doc FROM entries e WHERE", conditions)


def _documents_with(words: Sequence[str]) -> Sql:
    """Return a query for the documents that have all these words."""
    return Sql("SELECT w.rowid AS doc FROM document_words w WHERE w.document_words MATCH ?", (match_of(words),))


def _entries_with(words: Sequence[str], fields: str, value: Sql) -> Sql:
    """Return a query for the documents that have all these words in one entry of the fields.

    :param value: a condition on the value `v.value` of this entry; `TRUE`: any value.
    """
    conditions = [Sql("w.entry_words MATCH ?", (match_of(words),)), Sql(f"{FIELD_OF_ROW} {fields}")]
    if value is not TRUE:
        same_entry = f"v.doc = {DOC_OF_ROW} AND v.field = {FIELD_OF_ROW} AND v.entry = {ENTRY_OF_ROW}"
        has_value = f"EXISTS (SELECT 1 FROM entries v WHERE {same_entry} AND {value.text})"
        conditions.append(Sql(has_value, value.values))
    return _select(f"SELECT {DOC_OF_ROW} AS doc FROM entry_words w WHERE", conditions)


def _among(documents: Sql) -> Sql:
    """Return the condition that `d` is one of these documents. The query is evaluated once, not for each `d`."""
    return Sql(f"(d.doc IN ({documents.text}))", documents.values)


def _has_words(criteria: Criteria) -> bool:
    return isinstance(criteria, EntryMatches) and any(isinstance(test, Words) for test in criteria.tests)


def _reads_one_value(criteria: Criteria) -> bool:
    """Return whether all matches have the same value in a SQL index, or the same word."""
    tests = criteria.tests if isinstance(criteria, EntryMatches | RootMatches) else ()
    return any(isinstance(test, Words) or (isinstance(test, OneOf) and len(test.values) == 1) for test in tests)


def _select(select: str, conditions: Sequence[Sql]) -> Sql:
    """Return the query with all conditions. More can be appended."""
    return Sql(f"{select} {' AND '.join(condition.text for condition in conditions)}", values_of(conditions))


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
