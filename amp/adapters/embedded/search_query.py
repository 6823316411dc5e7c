"""Evaluates an index query over the search database: the matching documents, a page of them in order, and facets.

First, the matching documents are collected in any order, through the most selective condition that has an index. They
are collected up to the number to which the total is counted. If these are all matches, the page is sorted from them.
If there are more, matches are frequent, and a page in order of creation is read from the index of that order.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from amp.adapters.embedded.search_conditions import COLUMNS, Conditions, Sources
from amp.adapters.embedded.search_order import SqlOrder, entry_fields
from amp.adapters.embedded.search_sql import TRUE, Sql, joined, values_of
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
)
from amp.domain.sort_values import sort_value_json
from amp.domain.times import format_ms
from amp.errors import BucketsMissing

#: Conditions are compared by their numbers of rows. Rows are counted up to the first of these limits at which a
#: condition has fewer.
_COUNT_LIMITS = (100, 1_000, 10_000)
#: If every condition holds for more than one document in this number, it is faster to read the documents in the order
#: in which they are stored than in the order of a condition's values.
_UNSELECTIVE_RATIO = 8
_MAX_COUNTED = 50_000
#: The words of fewer documents than this are tested one document at a time, instead of searched for.
_FEW = 1_000
_STORED = Sql("documents d NOT INDEXED")
_BY_CREATED = Sql("documents d INDEXED BY documents_by_created")
_COLLECTED = Sql("matches m CROSS JOIN documents d ON d.doc = m.doc")


def search_page(connection: sqlite3.Connection, query: IndexQuery) -> SearchPage:
    """Return one page of the result. The connection must see one snapshot of the database.

    :raises BucketsMissing: the index has fewer buckets than the query expects.
    """
    (buckets,) = connection.execute("SELECT count(*) FROM read_filters").fetchone()
    if buckets < query.buckets:
        raise BucketsMissing(f"only {buckets} of {query.buckets} buckets can be searched")
    search = _Search(connection, query)
    total = search.collect()
    rows = search.page(total)
    hits = tuple(_hits(connection, query, rows[: query.size]))
    exact = query.total_limit is None or total <= query.total_limit
    return SearchPage(
        hits=hits,
        total=total if exact else query.total_limit or 0,
        total_is_exact=exact,
        facets={facet.name: search.facet(facet) for facet in query.facets},
        more=len(rows) > len(hits),
    )


def _hits(connection: sqlite3.Connection, query: IndexQuery, rows: Sequence[tuple[Any, ...]]) -> Iterator[Hit]:
    """Yield the hits up to the size limit of the page. Their sources are read one by one, because together they may be
    a hundred times as large as the limit.
    """
    size = 0
    for doc, *values in rows:
        if query.max_bytes is not None and size >= query.max_bytes:
            return
        source = b""
        if query.sources:
            (source,) = connection.execute("SELECT source FROM sources WHERE doc = ?", (doc,)).fetchone()
        size += len(source)
        yield Hit(source, tuple(values))


class _Search:
    """The evaluation of one query. Its matches are in the table `matches` of the connection."""

    def __init__(self, connection: sqlite3.Connection, query: IndexQuery) -> None:
        self._connection = connection
        self._query = query
        self._conditions = Conditions(connection, all_versions=query.all_versions)
        self._order = SqlOrder(query, self._conditions)
        self._parts = _conjuncts(query.criteria)
        bounded = self._order.by_created and not query.facets and query.total_limit is not None
        #: Maximum number of collected matches; None: unlimited, because facets and other orders need every match.
        self._max_collected = (query.total_limit or 0) + 1 if bounded else None

    def collect(self) -> int:
        """Collect all matching documents, or one more than the limit of the total, and return their number."""
        self._connection.execute("DELETE FROM matches")
        chosen = self._most_selective()
        if chosen is None:
            return self._insert("SELECT d.doc", _STORED, self._holds(self._parts))
        position, sources = chosen
        if not sources.queries:
            return 0
        union = Sql(" UNION ALL ".join(query.text for query in sources.queries), values_of(sources.queries))
        candidates = Sql(f"({union.text}) c CROSS JOIN documents d ON d.doc = c.doc", union.values)
        rest = [part for i, part in enumerate(self._parts) if i != position or not sources.exact]
        few = bool(rest) and sources.rows(self._connection, _FEW) < _FEW
        return self._insert("SELECT DISTINCT d.doc", candidates, self._holds(rest, few=few))

    def _insert(self, select: str, candidates: Sql, holds: Sql) -> int:
        limit = -1 if self._max_collected is None else self._max_collected
        return self._connection.execute(
            f"INSERT INTO matches {select} FROM {candidates.text} WHERE {holds.text} LIMIT ?",
            (*candidates.values, *holds.values, limit),
        ).rowcount

    def _holds(self, parts: Sequence[Criteria], *, few: bool = False) -> Sql:
        holds = [self._conditions.holds(part, few=few) for part in parts]
        return joined("AND", [self._conditions.searched(), *holds], empty=TRUE)

    def _most_selective(self) -> tuple[int, Sources] | None:
        """Return the position and the sources of the part whose sources have the fewest rows, or nearly the fewest.
        None: reading all documents is faster.
        """
        indexed = [(i, sources) for i, part in enumerate(self._parts) if (sources := self._conditions.sources(part))]
        if len(indexed) < 2:
            return indexed[0] if indexed else None
        (documents,) = self._connection.execute("SELECT coalesce(sum(documents), 0) FROM indices").fetchone()
        many = documents // _UNSELECTIVE_RATIO
        for limit in (*_COUNT_LIMITS, *([many] if _COUNT_LIMITS[-1] < many < _MAX_COUNTED else [])):
            counts = [(sources.rows(self._connection, limit), not sources.in_order, i) for i, sources in indexed]
            rows, _, chosen = min(counts)
            if rows < limit:
                return next(part for part in indexed if part[0] == chosen)
        ordered = next((part for part in indexed if part[1].in_order), None)
        return ordered or (indexed[0] if many >= _MAX_COUNTED else None)

    def page(self, total: int) -> list[tuple[Any, ...]]:
        """Return the documents of the page in order, and the next one if there is one, each with its sort values."""
        after = self._order.after(self._query.after)
        if total == self._max_collected:
            # Not materialized: rows are read in the order of the index, starting at `after`.
            documents, holds, materialized = _BY_CREATED, self._holds(self._parts), "NOT MATERIALIZED"
        else:
            documents, holds, materialized = _COLLECTED, TRUE, "MATERIALIZED"
        sql = (
            f"WITH found AS {materialized}"
            f" (SELECT d.doc, {self._order.columns()} FROM {documents.text} WHERE {holds.text})"
            f" SELECT * FROM found WHERE {after.text} ORDER BY {self._order.order_by()} LIMIT ?"
        )
        return self._connection.execute(sql, (*holds.values, *after.values, self._query.size + 1)).fetchall()

    def facet(self, facet: FacetOn) -> FacetValues:
        """Return the most frequent values among the matches, all of which must be collected."""
        if facet.root is None or facet.root is RootField.LABELS:
            fields = entry_fields(self._conditions, facet.root, facet.key)
            value, rows_from = "e.value", f"matches m CROSS JOIN entries e ON e.doc = m.doc AND e.field {fields}"
        else:
            value, rows_from = f"d.{COLUMNS[facet.root]}", _COLLECTED.text
        rows = self._connection.execute(
            f"SELECT {value}, count(*) FROM {rows_from} WHERE {value} IS NOT NULL"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
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
    """Return parts that together are equivalent to the criteria. The more parts, the better the choice of one."""
    match criteria:
        case AllOf(parts):
            return [conjunct for part in parts for conjunct in _conjuncts(part)]
        case RootMatches(RootField.NAME, tests) if len(tests) > 1:
            return [RootMatches(RootField.NAME, (test,)) for test in tests]
    return [criteria]
