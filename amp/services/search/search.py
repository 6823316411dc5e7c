"""Searches assets: validates the query, continues from its cursor, and asks the index."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from amp.domain.buckets import BucketMap
from amp.domain.criteria import FacetValues, Hit, IndexQuery, SearchPage, SortValues
from amp.domain.limits import PAGE_BYTES, SearchLimits
from amp.domain.principals import Principal
from amp.domain.queries import Facet, Query, Sort, query_identity
from amp.errors import BadCursor, BadQuery, BucketsMissing, NotMigrated, StoreUnavailable
from amp.ports.search_index import SearchIndex
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.search.cursors import Cursors
from amp.services.search.resolve import QueryResolver


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchQuery:
    """A search request."""

    query: Query | None = None
    text: str | None = None
    sort: Sequence[Sort] = ()
    size: int = 20
    cursor: str | None = None
    facets: Sequence[Facet] = field(default_factory=tuple)
    all_versions: bool = False
    exact_total: bool = False
    ids_only: bool = False  #: whether to return only ids: hits have no sources, and their sort values end with the id
    since_s: float | None = None  #: see `TypeCatalog.read_since`


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResults:
    """One page of results."""

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    facets: dict[str, FacetValues]
    incomplete: tuple[str, ...]  #: names of buckets with missing documents; their assets may be missing from the hits
    last: SortValues | None  #: the position after which the next page begins; None: there are no more pages
    next_cursor: str | None = None  #: the same as a signed cursor


@dataclass(frozen=True, kw_only=True)
class AssetSearch:
    """Runs searches. It works while the store is down, as long as the types in the query are cached."""

    index: SearchIndex
    resolver: QueryResolver
    cursors: Cursors
    maps: BucketMaps
    limits: SearchLimits

    def search(self, query: SearchQuery, principal: Principal) -> SearchResults:
        """Search from the query's cursor on.

        :raises BadQuery: the query is not valid; the error names the place and what is allowed.
        :raises SearchUnavailable: the index does not answer.
        """
        sorts = json.dumps([[sort.field, sort.descending] for sort in query.sort])
        bound_to: list[Any] = [query_identity(query.query), query.text, sorts, query.all_versions]
        answer = self.search_after(query, self._position(query.cursor, bound_to, principal), principal)
        if answer.last is None:
            return answer
        return replace(answer, next_cursor=self.cursors.seal(answer.last, bound_to, principal))

    def search_after(self, query: SearchQuery, after: SortValues | None, principal: Principal) -> SearchResults:
        """Return the page from this position on (None: the first). The cursor of the query is ignored.

        :raises BadQuery: the query is not valid; the error names the place and what is allowed.
        :raises SearchUnavailable: the index does not answer.
        """
        if not 0 <= query.size <= self.limits.page:
            detail = f"takes 0 to {self.limits.page}"
            raise BadQuery.at("/size", detail)
        bucket_map = self._map()
        resolved = self.resolver.resolve(
            query.query, query.text, sort=query.sort, facets=query.facets, since_s=query.since_s
        )
        index_query = IndexQuery(
            criteria=resolved.criteria,
            sort=resolved.sort,
            size=query.size,
            after=after,
            total_limit=None if query.exact_total else self.limits.total,
            facets=resolved.facets,
            all_versions=query.all_versions,
            max_bytes=PAGE_BYTES,
            sources=not query.ids_only,
            session=principal.name,
            buckets=0 if bucket_map is None else bucket_map.min_searched,
            timeout_s=self.limits.timeout_s,
        )
        page = self._page(index_query)
        incomplete = () if bucket_map is None else _incomplete(bucket_map)
        # Without a map it is unknown whether every bucket was searched.
        is_whole = bucket_map is not None and not incomplete
        return SearchResults(
            hits=page.hits,
            total=page.total,
            total_is_exact=page.total_is_exact and is_whole,
            facets=page.facets if is_whole else _approximate(page.facets),
            incomplete=incomplete,
            last=page.hits[-1].sort if page.hits and page.more else None,
        )

    def incomplete(self) -> tuple[str, ...]:
        """Return the names of the buckets of which searches may miss assets, according to this process's map."""
        bucket_map = self._map()
        return () if bucket_map is None else _incomplete(bucket_map)

    def _position(self, cursor: str | None, bound_to: list[Any], principal: Principal) -> SortValues | None:
        if cursor is None:
            return None
        position = self.cursors.unseal(cursor, bound_to, principal)
        if not isinstance(position, list):
            raise BadCursor
        return tuple(position)

    def _page(self, index_query: IndexQuery) -> SearchPage:
        try:
            return self.index.search(index_query)
        except BucketsMissing:
            # Two buckets of this map may have been merged meanwhile.
            fewer = self.maps.refresh().min_searched
            if fewer >= index_query.buckets:
                raise
            return self.index.search(replace(index_query, buckets=fewer))

    def _map(self) -> BucketMap | None:
        """Return the bucket map; None: it cannot be read."""
        try:
            return self.maps.current()
        except (StoreUnavailable, NotMigrated):
            return None


def _incomplete(bucket_map: BucketMap) -> tuple[str, ...]:
    return tuple(bucket.name for bucket in bucket_map.incomplete)


def _approximate(facets: Mapping[str, FacetValues]) -> dict[str, FacetValues]:
    return {name: replace(values, approximate=True) for name, values in facets.items()}
