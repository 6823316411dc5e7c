"""Selects the ids of the assets of a job, page by page."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson

from amp.domain.criteria import SortValues
from amp.domain.principals import Principal
from amp.domain.queries import Condition, Conjunction, Query
from amp.domain.selectors import Selector
from amp.domain.times import format_ms
from amp.errors import BadCursor, BadQuery, Fault, Retryable, Unprocessable
from amp.ports.asset_listing import AssetListing, IdPage
from amp.services.search.query_text import parse_query_text
from amp.services.search.search import AssetSearch, SearchQuery
from amp.services.types.catalog import TypeCatalog

#: Maximum hits of one search page.
_SEARCHED = 200


@dataclass(frozen=True, kw_only=True)
class AssetSelection:
    listing: AssetListing
    asset_search: AssetSearch
    catalog: TypeCatalog

    def check(self, selector: Selector, principal: Principal) -> None:
        """Validate the selector.

        :raises Unprocessable: it cannot be used; the error names the place of each fault.
        :raises StoreUnavailable, SearchUnavailable: it cannot be validated now.
        """
        faults: list[Fault] = []
        if selector.type is not None and self.catalog.known(selector.type) is None:
            self.catalog.read_since(None)
            if self.catalog.known(selector.type) is None:
                faults.append(Fault("/selector/type", f"there is no asset type {selector.type[:128]!r}"))
        if selector.type is not None and selector.project is not None:
            faults.append(Fault("/selector/project", "cannot be combined with a type; use a query"))
        if selector.from_ms is not None and selector.to_ms is not None and selector.from_ms >= selector.to_ms:
            faults.append(Fault("/selector/created/to", "is not after `from`"))
        if selector.query is not None:
            try:
                self._search(selector.query, None, principal, size=0)
            except BadQuery as e:
                faults.append(Fault("/selector/query", str(e)))
        if faults:
            raise Unprocessable("the selector is not valid", faults)

    def page(self, selector: Selector, position: str | None, limit: int, principal: Principal) -> IdPage:
        """Return up to `limit` ids from `position` on (None: from the first). An asset may have changed since it was
        listed, so that the selector does not cover it any more.

        :raises BadCursor: the position is not one of this selection.
        :raises StoreUnavailable, SearchUnavailable: the store or the search index does not answer.
        """
        if selector.query is not None:
            return self._search(selector.query, position, principal, size=min(limit, _SEARCHED))
        return listed(self.listing, selector, position, limit)

    def may_miss(self, selector: Selector) -> tuple[str, ...]:
        """Return the names of the buckets of which the selector may miss assets now. Only queries depend on the index;
        lists come from the store."""
        return self.asset_search.incomplete() if selector.query is not None else ()

    def about(self, selector: Selector, principal: Principal) -> int | None:
        """Return the number of selected assets. Unless the selector lists ids, a search counts them, and deleted assets
        are left out. Return None if the number is unknown.
        """
        if selector.ids is not None:
            return selector.ids
        try:
            since_s = self.catalog.now_s()
            query, text = (
                self._parsed(selector.query, since_s) if selector.query is not None else (_query(selector), None)
            )
            search = SearchQuery(query=query, text=text, size=0, exact_total=True, since_s=since_s)
            return self.asset_search.search(search, principal).total
        except (Retryable, BadQuery):
            return None

    def _search(self, text: str, position: str | None, principal: Principal, size: int) -> IdPage:
        since_s = self.catalog.now_s()
        query, words = self._parsed(text, since_s)
        # Positions are stored with jobs, where they outlive the key that signs cursors.
        search = SearchQuery(query=query, text=words, size=size, ids_only=True, since_s=since_s)
        answer = self.asset_search.search_after(search, _place(position), principal)
        following = None if answer.last is None else orjson.dumps(answer.last).decode()
        return IdPage(tuple(UUID(str(hit.sort[-1])) for hit in answer.hits), following)

    def _parsed(self, text: str, since_s: float) -> tuple[Query | None, str | None]:
        return parse_query_text(text, partial(self.catalog.kinds, since_s=since_s))


def _place(position: str | None) -> SortValues | None:
    """Return the sort values of a position.

    :raises BadCursor: the position is not one of a search.
    """
    if position is None:
        return None
    try:
        values = orjson.loads(position)
    except ValueError:
        values = None
    if not isinstance(values, list):
        raise BadCursor("the position is not one of a search")
    return tuple(values)


def listed(listing: AssetListing, selector: Selector, position: str | None, limit: int) -> IdPage:
    """Return a page of the store's list of this type or project, limited to the selector's creation range.

    :raises StoreUnavailable: the store does not answer.
    """
    return listing.page(
        type_name=selector.type,
        project=selector.project,
        from_ms=selector.from_ms,
        to_ms=selector.to_ms,
        position=position,
        limit=limit,
    )


def _query(selector: Selector) -> Query | None:
    conditions: list[Query] = []
    if selector.type is not None:
        conditions.append(Condition("type", (("eq", selector.type),)))
    if selector.project is not None:
        conditions.append(Condition("project", (("eq", selector.project),)))
    if selector.from_ms is not None:
        conditions.append(Condition("created_at", (("gte", format_ms(selector.from_ms)),)))
    if selector.to_ms is not None:
        conditions.append(Condition("created_at", (("lt", format_ms(selector.to_ms)),)))
    return Conjunction(tuple(conditions)) if conditions else None
