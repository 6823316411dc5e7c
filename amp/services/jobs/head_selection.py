"""Tests whether a selector covers the head of an asset, because the index that was searched may lag behind."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from amp.domain.assets import Asset
from amp.domain.criteria import Criteria
from amp.domain.document_match import matches
from amp.domain.documents import head_document
from amp.domain.selectors import Selector
from amp.services.search.query_text import parse_query_text
from amp.services.search.resolve import QueryResolver
from amp.services.types.catalog import TypeCatalog


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadSelection:
    """Evaluates a selector on heads. A query covers the heads whose documents a search would find, so no deleted
    assets."""

    resolver: QueryResolver
    catalog: TypeCatalog

    def test(self, selector: Selector) -> Callable[[Asset], bool]:
        """Return a test of whether the selector covers a head.

        :raises BadQuery: the query cannot be answered.
        :raises StoreUnavailable: the types that the query needs are not known here. The test may raise it, too.
        """
        query = selector.query
        if query is None:
            return selector.covers
        criteria = self._criteria(query)

        def selected(head: Asset) -> bool:
            nonlocal criteria
            newest = self.catalog.known(head.type)
            if newest is None or newest.version < head.type_version:
                # The head's type may declare fields of the query with kinds that were not known before.
                self.catalog.refresh()
                criteria = self._criteria(query)
            document = head_document(head, self.catalog.version(head.type, head.type_version), b"")
            return matches(criteria, document.body)

        return selected

    def _criteria(self, text: str) -> Criteria:
        since_s = self.catalog.now_s()
        query, words = parse_query_text(text, partial(self.catalog.kinds, since_s=since_s))
        return self.resolver.resolve(query, words, since_s=since_s).criteria
