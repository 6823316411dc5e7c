"""Searchers: they read all there is, at once or page by page, and must never be able to tell that anything moves."""

from __future__ import annotations

from collections import Counter

import orjson

from amp.domain.criteria import EVERYTHING, IndexQuery, SearchPage, SortValues
from amp.errors import SearchUnavailable
from tests.simulation.invariants import Invariants
from tests.support.simulated.installation import LONGEST_SEARCH_S
from tests.support.simulated.scheduler import Play, Scheduler
from tests.support.simulated.search_index_twin import SimulatedSearchIndex
from tests.support.simulated.store_twins import SimulatedRegistry
from tests.support.simulated.violations import Seen

_PAGE = 5
_ALL = 1_000


class Searchers:
    def __init__(
        self,
        scheduler: Scheduler,
        index: SimulatedSearchIndex,
        registry: SimulatedRegistry,
        invariants: Invariants,
    ) -> None:
        self._scheduler = scheduler
        self._index = index
        self._registry = registry
        self._invariants = invariants
        self.answered = 0
        self.pages = 0

    def searcher(self) -> Play[None]:
        """Looks for everything at once, and later again."""
        chance, buckets = self._scheduler.random, 1
        while True:
            yield chance.random() ** 3 * (4 if self._scheduler.faults.active else 20)
            if chance.random() < 0.5:
                buckets = len(self._registry.now.buckets)
            shown = dict(self._invariants.shown)
            page = yield from self._page(None, _ALL, buckets)
            if page is not None:
                self._invariants.checked("a search", _found([page]), shown)
                self._scheduler.note("searched")
                self.answered += 1

    def pager(self) -> Play[None]:
        """Goes through everything page by page; what was there all the while comes exactly once."""
        chance = self._scheduler.random
        while True:
            yield chance.random() ** 3 * (4 if self._scheduler.faults.active else 20)
            there, absences = set(self._invariants.found), Counter(self._invariants.absences)
            pages: list[SearchPage] = []
            more, after = True, None
            while more:
                page = yield from self._page(after, _PAGE, 0)
                if page is not None:
                    pages.append(page)
                    more, after = page.more, page.hits[-1].sort if page.hits else None
                    yield chance.random()
            there = {asset_id for asset_id in there if self._invariants.absences[asset_id] == absences[asset_id]}
            if missing := there - _found(pages).keys():
                raise Seen(f"pages leave out {sorted(missing)}")
            self._scheduler.note("paged")
            self.pages += len(pages)

    def _page(self, after: SortValues | None, size: int, buckets: int) -> Play[SearchPage | None]:
        request = IndexQuery(criteria=EVERYTHING, size=size, after=after, buckets=buckets, timeout_s=LONGEST_SEARCH_S)
        try:
            return (yield from self._index.search_in_steps(request))
        except SearchUnavailable:
            return None


def _found(pages: list[SearchPage]) -> dict[str, int]:
    """:raises Seen: an asset is found twice."""
    found: dict[str, int] = {}
    for page in pages:
        for hit in page.hits:
            asset_id = str(hit.sort[1])
            if asset_id in found:
                raise Seen(f"{asset_id} is found twice in {len(pages)} pages")
            found[asset_id] = orjson.loads(hit.source)["revision"]
    return found
