"""Criteria as SQL: what must hold of a document, and where to look for the documents of which it may hold."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amp.adapters.embedded.search_rows import LABELS, NAME_WORDS
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
#: Those with an index to look documents up in.
_INDEXED = frozenset(COLUMNS) - {RootField.LABELS, RootField.STATE, RootField.VERSION}
#: Words that occur more often are all the same to the choice of the rarest.
_COMMON_WORD = 1_000


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its question marks, in order."""

    text: str
    values: tuple[object, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")


def joined(word: str, parts: Sequence[Sql], *, empty: Sql) -> Sql:
    if not parts:
        return empty
    return Sql(f"({f' {word} '.join(part.text for part in parts)})", values_of(parts))


def values_of(parts: Sequence[Sql]) -> tuple[object, ...]:
    return tuple(value for part in parts for value in part.values)


@dataclass(frozen=True, slots=True)
class Sources:
    """Queries that together give the numbers of all documents for which some criteria hold: some of them more than
    once perhaps, and perhaps documents that are not searched.
    """

    queries: tuple[Sql, ...]
    exact: bool  #: of the documents searched they give no others
    in_order: bool = False  #: by number, so that what is looked up for one lies beside what was for the one before

    def rows(self, connection: sqlite3.Connection, limit: int) -> int:
        """How many rows they have; counts no further than `limit`."""
        count = 0
        for query in self.queries:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM ({query.text}) LIMIT ?)"
            count += connection.execute(sql, (*query.values, limit - count)).fetchone()[0]
        return count


class Conditions:
    """Writes SQL about documents `d`, in terms of the fields there are when the search begins."""

    def __init__(self, connection: sqlite3.Connection, *, all_versions: bool) -> None:
        self._connection = connection
        self._all_versions = all_versions
        self._latest = "" if all_versions else " AND d.latest = 1"

    def fields(self, key: str, kinds: Iterable[str] = ()) -> str:
        """A condition on a number of a field: it has this key and one of these kinds, or any."""
        rows = self._connection.execute(
            "SELECT id, kind FROM fields WHERE key = ? AND (latest = 1 OR ?)", (key, self._all_versions)
        )
        wanted = set(kinds)
        return f"IN ({', '.join(str(field_id) for field_id, kind in rows if not wanted or kind in wanted)})"

    def searched(self) -> Sql:
        """`d` is one of the documents searched."""
        return Sql(
            f"(d.deleted = 0{self._latest} AND EXISTS (SELECT 1 FROM read_filters r WHERE r.index_id = d.index_id"
            " AND d.created_ms >= r.start_ms AND (r.end_ms IS NULL OR d.created_ms < r.end_ms)))"
        )

    def holds(self, criteria: Criteria) -> Sql:
        """A condition that is true or false of every `d`, never null."""
        match criteria:
            case AllOf(parts):
                return joined("AND", [self.holds(part) for part in parts], empty=TRUE)
            case AnyOf(parts):
                return joined("OR", [self.holds(part) for part in parts], empty=FALSE)
            case NotOf(part):
                inner = self.holds(part)
                return Sql(f"(NOT {inner.text})", inner.values)
            case TextMatches(words):
                one = "EXISTS (SELECT 1 FROM words w WHERE w.word = ? AND w.doc = d.doc)"
                return joined("AND", [Sql(one, (word,)) for word in words], empty=TRUE)
            case RootExists(field) if field is not RootField.LABELS:
                return Sql(f"(d.{COLUMNS[field]} IS NOT NULL)")
            case RootMatches(field, tests) if field is not RootField.LABELS:
                return self._column_holds(field, tests)
            case _:
                entries = self._entries(criteria)
                return Sql(f"EXISTS ({entries.text} AND e.doc = d.doc)", entries.values)

    def sources(self, criteria: Criteria) -> Sources | None:
        """Where to find the documents for which `criteria` hold; None: there is no index for it."""
        match criteria:
            case AnyOf(parts):
                found = [self.sources(part) for part in parts]
                if None in found:
                    return None
                queries = tuple(query for sources in found if sources for query in sources.queries)
                return Sources(queries, all(sources.exact for sources in found if sources))
            case AllOf(parts):
                first = next(filter(None, map(self.sources, parts)), None)
                return first and Sources(first.queries, exact=False)
            case NotOf():
                return None
            case TextMatches(words):
                return self._sources_of_words(words, "")
            case RootMatches(RootField.NAME, (Words(words),)):
                return self._sources_of_words(words, f" AND w.field {self.fields('', [NAME_WORDS])}")
            case RootMatches(RootField.LABELS) | RootExists(RootField.LABELS) | EntryMatches() | EntryExists():
                return Sources((self._entries(criteria),), exact=True, in_order=_one_place(criteria))
            case RootMatches(field) if field in _INDEXED:
                holds = self.holds(criteria)
                columns = f"SELECT d.doc FROM documents d WHERE d.deleted = 0{self._latest} AND {holds.text}"
                return Sources((Sql(columns, holds.values),), exact=True, in_order=_one_place(criteria))
        return None

    def _sources_of_words(self, words: Sequence[str], where: str) -> Sources:
        rarest = self._rarest_first(words)[0]
        query = Sql(f"SELECT w.doc FROM words w WHERE w.word = ?{where}", (rarest,))
        return Sources((query,), exact=len(words) == 1, in_order=True)

    def _column_holds(self, field: RootField, tests: Sequence[Test]) -> Sql:
        # The first part keeps the whole from being null.
        parts = [Sql(f"d.{COLUMNS[field]} IS NOT NULL")]
        for test in tests:
            if isinstance(test, Words):
                named = f"w.word = ? AND w.doc = d.doc AND w.field {self.fields('', [NAME_WORDS])}"
                parts += [Sql(f"EXISTS (SELECT 1 FROM words w WHERE {named})", (word,)) for word in test.words]
            else:
                parts.append(_compare(f"d.{COLUMNS[field]}", test, None))
        return joined("AND", parts, empty=TRUE)

    def _entries(self, criteria: Criteria) -> Sql:
        """A query for the documents of the entries `e` that match, ready for more conditions by `AND`."""
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
                raise TypeError(f"not about entries: {criteria!r}")
        words = [word for test in tests if isinstance(test, Words) for word in test.words]
        compared = [test for test in tests if not isinstance(test, Words)]
        if words:
            return self._entries_with(self._rarest_first(words), fields, compared, kind)
        holds = [Sql(f"e.field {fields}"), *(_compare("e.value", test, kind) for test in compared)]
        return _extended("SELECT e.doc FROM entries e WHERE", holds)

    def _entries_with(self, words: Sequence[str], fields: str, compared: Sequence[Test], kind: FieldType | None) -> Sql:
        same = "{0}.doc = e.doc AND {0}.field = e.field AND {0}.entry = e.entry"
        holds = [Sql(f"e.word = ? AND e.field {fields}", (words[0],))]
        in_same = f"EXISTS (SELECT 1 FROM words w WHERE w.word = ? AND {same.format('w')})"
        holds += [Sql(in_same, (word,)) for word in words[1:]]
        if compared:
            value = joined("AND", [_compare("v.value", test, kind) for test in compared], empty=TRUE)
            in_same = f"EXISTS (SELECT 1 FROM entries v WHERE {same.format('v')} AND {value.text})"
            holds.append(Sql(in_same, value.values))
        return _extended("SELECT e.doc FROM words e WHERE", holds)

    def _rarest_first(self, words: Sequence[str]) -> list[str]:
        def occurrences(word: str) -> int:
            sql = "SELECT count(*) FROM (SELECT 1 FROM words WHERE word = ? LIMIT ?)"
            count: int = self._connection.execute(sql, (word, _COMMON_WORD)).fetchone()[0]
            return count

        return sorted(words, key=occurrences) if len(words) > 1 else list(words)


def _one_place(criteria: Criteria) -> bool:
    """Whether all that is looked for stands under one value of an index, or one word."""
    tests = criteria.tests if isinstance(criteria, EntryMatches | RootMatches) else ()
    return any(isinstance(test, Words) or (isinstance(test, OneOf) and len(test.values) == 1) for test in tests)


def _extended(select: str, holds: Sequence[Sql]) -> Sql:
    """The query with all conditions, and open for more."""
    return Sql(f"{select} {' AND '.join(part.text for part in holds)}", values_of(holds))


def _compare(column: str, test: Test, kind: FieldType | None) -> Sql:
    """The test of a column that holds values as they are, or, given their kind, in their sortable form."""

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
            end = _after_all_beginning_with(begin)
            parts = [Sql(f"{column} >= ?", (begin,)), *([Sql(f"{column} < ?", (end,))] if end is not None else [])]
            return joined("AND", parts, empty=TRUE)
        case Words():
            raise TypeError("words are looked up, not compared")


def _after_all_beginning_with(text: str) -> str | None:
    """The least text above all that begin with this one; None: there is none."""
    for i in range(len(text) - 1, -1, -1):
        following = ord(text[i]) + 1
        if following <= 0x10FFFF:
            # Surrogates are no characters and can't be stored.
            return text[:i] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None
