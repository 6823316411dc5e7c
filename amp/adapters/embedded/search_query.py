"""Answers a search request over the search database: which documents match, a page of them in order, facets.

The matching documents are first collected in any order, up to the number the total is counted to, by way of the most
selective condition that has an index. If those are all, the page is sorted out of them. If there are more, the next
match is never far, and a page in order of creation is read off the index of that order.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from amp.adapters.embedded.search_conditions import COLUMNS, TRUE, Conditions, Sources, Sql, joined, values_of
from amp.adapters.embedded.search_order import Order, entry_fields
from amp.domain.criteria import (
    AllOf,
    Criteria,
    FacetOn,
    FacetValues,
    Hit,
    IndexQuery,
    RootField,
    RootMatches,
    SearchPage,
    TextMatches,
)
from amp.domain.sort_values import sort_value_json
from amp.domain.times import format_ms
from amp.errors import BucketsMissing

#: Conditions are compared by their rows, counted up to the first of these numbers that tells them apart.
_ROWS_COMPARED = (100, 1_000, 10_000)
#: Of conditions that each hold for one document in so many, it is quicker to go through the documents in the order
#: they are stored in, than to go to them in the order of a condition's values.
_MANY = 8
_MOST_COUNTED = 50_000
_STORED = Sql("documents d NOT INDEXED")
_BY_CREATED = Sql("documents d INDEXED BY documents_by_created")
_COLLECTED = Sql("matches m CROSS JOIN documents d ON d.doc = m.doc")


def answer(connection: sqlite3.Connection, request: IndexQuery) -> SearchPage:
    """One page; the connection sees one moment of the database."""
    (buckets,) = connection.execute("SELECT count(*) FROM read_filters").fetchone()
    if buckets < request.buckets:
        raise BucketsMissing(f"{buckets} of {request.buckets} buckets are there to search in")
    search = _Search(connection, request)
    total = search.collect()
    rows = search.page(total)
    hits = tuple(_hits(connection, request, rows[: request.size]))
    exact = request.total_limit is None or total <= request.total_limit
    return SearchPage(
        hits=hits,
        total=total if exact else request.total_limit or 0,
        total_is_exact=exact,
        facets={facet.name: search.facet(facet) for facet in request.facets},
        more=len(rows) > len(hits),
    )


def _hits(connection: sqlite3.Connection, request: IndexQuery, rows: Sequence[tuple[Any, ...]]) -> Iterator[Hit]:
    """Sources are read one by one, as together they may take a hundred times as much as the page may hold."""
    size = 0
    for doc, *values in rows:
        if request.max_bytes is not None and size >= request.max_bytes:
            return
        source = b""
        if request.sources:
            (source,) = connection.execute("SELECT source FROM sources WHERE doc = ?", (doc,)).fetchone()
        size += len(source)
        yield Hit(source, tuple(values))


class _Search:
    """One request on its way; its matches are in the connection's table `matches`."""

    def __init__(self, connection: sqlite3.Connection, request: IndexQuery) -> None:
        self._connection = connection
        self._request = request
        self._conditions = Conditions(connection, all_versions=request.all_versions)
        self._order = Order(request, self._conditions)
        self._parts = _conjuncts(request.criteria)
        bounded = self._order.by_created and not request.facets and request.total_limit is not None
        #: Facets and other orders need every match.
        self._most_collected = (request.total_limit or 0) + 1 if bounded else None

    def collect(self) -> int:
        """Gather the documents that match, and count them: all, or up to one past the limit of the total."""
        self._connection.execute("DELETE FROM matches")
        chosen = self._most_selective()
        if chosen is None:
            return self._insert("SELECT d.doc", _STORED, self._parts)
        position, sources = chosen
        if not sources.queries:
            return 0
        found = Sql(" UNION ALL ".join(query.text for query in sources.queries), values_of(sources.queries))
        found = Sql(f"({found.text}) c CROSS JOIN documents d ON d.doc = c.doc", found.values)
        rest = [part for i, part in enumerate(self._parts) if i != position or not sources.exact]
        return self._insert("SELECT DISTINCT d.doc", found, rest)

    def _insert(self, select: str, found: Sql, parts: Sequence[Criteria]) -> int:
        holds = self._holds(parts)
        limit = -1 if self._most_collected is None else self._most_collected
        return self._connection.execute(
            f"INSERT INTO matches {select} FROM {found.text} WHERE {holds.text} LIMIT ?",
            (*found.values, *holds.values, limit),
        ).rowcount

    def _holds(self, parts: Sequence[Criteria]) -> Sql:
        return joined("AND", [self._conditions.searched(), *map(self._conditions.holds, parts)], empty=TRUE)

    def _most_selective(self) -> tuple[int, Sources] | None:
        """The part, by position, whose sources have the fewest rows, or nearly; None: better look at all documents."""
        found = [(i, sources) for i, part in enumerate(self._parts) if (sources := self._conditions.sources(part))]
        if len(found) < 2:
            return found[0] if found else None
        (documents,) = self._connection.execute("SELECT coalesce(sum(documents), 0) FROM indices").fetchone()
        many = documents // _MANY
        for limit in (*_ROWS_COMPARED, *([many] if _ROWS_COMPARED[-1] < many < _MOST_COUNTED else [])):
            counted = [(sources.rows(self._connection, limit), not sources.in_order, i) for i, sources in found]
            rows, _, chosen = min(counted)
            if rows < limit:
                return next(each for each in found if each[0] == chosen)
        ordered = next((each for each in found if each[1].in_order), None)
        return ordered or (found[0] if many >= _MOST_COUNTED else None)

    def page(self, total: int) -> list[tuple[Any, ...]]:
        """The page's documents in order, and one more if there is one, each with what it is sorted by."""
        after = self._order.after(self._request.after)
        if total == self._most_collected:
            # Not materialized: read in the order of the index, from the place of `after` on.
            found, holds, kept = _BY_CREATED, self._holds(self._parts), "NOT MATERIALIZED"
        else:
            found, holds, kept = _COLLECTED, TRUE, "MATERIALIZED"
        sql = (
            f"WITH found AS {kept} (SELECT d.doc, {self._order.columns()} FROM {found.text} WHERE {holds.text})"
            f" SELECT * FROM found WHERE {after.text} ORDER BY {self._order.order_by()} LIMIT ?"
        )
        return self._connection.execute(sql, (*holds.values, *after.values, self._request.size + 1)).fetchall()

    def facet(self, facet: FacetOn) -> FacetValues:
        """The commonest values among the matches, all of which were collected."""
        if facet.root is None or facet.root is RootField.LABELS:
            fields = entry_fields(self._conditions, facet.root, facet.key)
            value, found = "e.value", f"matches m CROSS JOIN entries e ON e.doc = m.doc AND e.field {fields}"
        else:
            value, found = f"d.{COLUMNS[facet.root]}", _COLLECTED.text
        rows = self._connection.execute(
            f"SELECT {value}, count(*) FROM {found} WHERE {value} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (facet.size,),
        )
        if facet.root is None:
            values = [(sort_value_json(value), count) for value, count in rows]
        elif facet.root in (RootField.CREATED, RootField.UPDATED):
            values = [(format_ms(value), count) for value, count in rows]
        else:
            values = list(rows)
        return FacetValues(tuple(values), approximate=False)


def _conjuncts(criteria: Criteria) -> list[Criteria]:
    """Parts that together say the same; the more there are, the better the choice among them."""
    match criteria:
        case AllOf(parts):
            return [conjunct for part in parts for conjunct in _conjuncts(part)]
        case RootMatches(RootField.NAME, tests) if len(tests) > 1:
            return [RootMatches(RootField.NAME, (test,)) for test in tests]
        case TextMatches(words):
            return [TextMatches((word,)) for word in words]
    return [criteria]
