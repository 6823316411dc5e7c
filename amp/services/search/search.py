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
from amp.errors import BadCursor, BadQuery, BucketsMissing, Fault, NotMigrated, StoreUnavailable
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
    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    facets: dict[str, FacetValues]
    incomplete: tuple[str, ...]  #: buckets with missing documents, of which assets may be missing in the results
    last: SortValues | None  #: position of the next page; None: there is none
    next_cursor: str | None = None  #: the same as a signed cursor


@dataclass(frozen=True, kw_only=True)
class AssetSearch:
    """Works while the store is down, as long as the types in the query are cached."""

    index: SearchIndex
    resolver: QueryResolver
    cursors: Cursors
    maps: BucketMaps
    limits: SearchLimits

    def search(self, order: SearchQuery, principal: Principal) -> SearchResults:
        """Search from the query's cursor on.

        :raises BadQuery: the query is not valid; names the place and what is allowed.
        :raises SearchUnavailable: the index does not answer.
        """
        sorts = json.dumps([[sort.field, sort.descending] for sort in order.sort])
        bound_to: list[Any] = [query_identity(order.query), order.text, sorts, order.all_versions]
        answer = self.search_after(order, self._position(order.cursor, bound_to, principal), principal)
        if answer.last is None:
            return answer
        return replace(answer, next_cursor=self.cursors.seal(answer.last, bound_to, principal))

    def search_after(self, order: SearchQuery, after: SortValues | None, principal: Principal) -> SearchResults:
        """Return the page from this position on (None: the first). The cursor of the query is ignored.

        :raises BadQuery: the query is not valid; names the place and what is allowed.
        :raises SearchUnavailable: the index does not answer.
        """
        if not 0 <= order.size <= self.limits.page:
            detail = f"takes 0 to {self.limits.page}"
            raise BadQuery(f"/size: {detail}", [Fault("/size", detail)])
        resolver, bucket_map = self.resolver.since(order.since_s), self._map()
        request = IndexQuery(
            criteria=resolver.criteria(order.query, order.text),
            sort=resolver.sort(order.sort),
            size=order.size,
            after=after,
            total_limit=None if order.exact_total else self.limits.total,
            facets=resolver.facets(order.facets),
            all_versions=order.all_versions,
            max_bytes=PAGE_BYTES,
            sources=not order.ids_only,
            session=principal.name,
            buckets=0 if bucket_map is None else bucket_map.min_searched,
            timeout_s=self.limits.timeout_s,
        )
        page = self._page(request)
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
        """Return the buckets of which searches may miss assets, according to this process's map."""
        bucket_map = self._map()
        return () if bucket_map is None else _incomplete(bucket_map)

    def _position(self, cursor: str | None, bound_to: list[Any], principal: Principal) -> SortValues | None:
        if cursor is None:
            return None
        position = self.cursors.unseal(cursor, bound_to, principal)
        if not isinstance(position, list):
            raise BadCursor
        return tuple(position)

    def _page(self, request: IndexQuery) -> SearchPage:
        try:
            return self.index.search(request)
        except BucketsMissing:
            # Two buckets of this map may have been merged meanwhile.
            fewer = self.maps.refresh().min_searched
            if fewer >= request.buckets:
                raise
            return self.index.search(replace(request, buckets=fewer))

    def _map(self) -> BucketMap | None:
        """The bucket map. None: it cannot be read."""
        try:
            return self.maps.current()
        except (StoreUnavailable, NotMigrated):
            return None


def _incomplete(bucket_map: BucketMap) -> tuple[str, ...]:
    return tuple(bucket.name for bucket in bucket_map.incomplete)


def _approximate(facets: Mapping[str, FacetValues]) -> dict[str, FacetValues]:
    return {name: replace(values, approximate=True) for name, values in facets.items()}
