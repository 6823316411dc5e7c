"""Selects the assets that a check has to compare: those of time slices whose totals differ."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from uuid import UUID

import orjson

from amp.domain.assets import Asset, State
from amp.domain.documents import Position
from amp.domain.ids import created_ms
from amp.domain.selectors import Selector
from amp.errors import NotFound
from amp.ports.asset_listing import AssetListing, IdPage
from amp.ports.asset_store import AssetReads
from amp.ports.bucket_documents import BucketDocuments, Totals
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare_lists import ListTotals
from amp.services.consistency.compare_names import NameComparison
from amp.services.consistency.found_assets import DAY_MS, FoundAssets
from amp.services.consistency.mismatch_position import MismatchPosition
from amp.services.consistency.sources import DocumentSources
from amp.services.jobs.asset_selection import listed
from amp.services.jobs.selection import SelectionStep

_SLICE_MS = 60_000
#: The day before the first.
_BEFORE_ALL = -1
#: Assets whose heads are read at once, and in one step.
_READ, _STEP = 2_000, 10_000


@dataclass(slots=True)
class _Day:
    """The totals of the store for one day so far."""

    place: MismatchPosition
    has_found: bool  #: whether assets of the day were collected
    position: str | None = None
    sums: dict[int, Totals] = field(default_factory=lambda: defaultdict(Totals))
    unmatched: set[int] = field(default_factory=set)  #: slices with ids without an asset
    found: Counter[int] = field(default_factory=Counter)  #: assets by slice that are selected already
    lists: ListTotals = field(default_factory=ListTotals)


@dataclass(kw_only=True)
class MismatchSelection:
    """A `Selection` of the assets in time slices whose totals differ. It works day by day. The heads of the store are
    totalled by slices of a minute and compared with totals that the index computes itself. Only the ids of slices that
    differ are selected, those of the store and those of the index. For a day without mismatches, only its totals are
    transferred.

    Assets that are found in another way than by the store's list, by a name that misleads or in the index, are
    collected first, because several things may lead to the same asset.
    """

    listing: AssetListing
    store: AssetReads
    documents: BucketDocuments
    maps: BucketMaps
    names: NameComparison
    found: FoundAssets
    selector: Selector
    deep: bool  #: whether to select every asset of a day, even where the totals agree
    versions_kept: int
    _day: _Day | None = field(default=None, init=False)

    @cached_property
    def _sources(self) -> DocumentSources:
        return DocumentSources(self.documents, self.maps)

    def step(self, position: str | None, limit: int) -> SelectionStep:
        """See `Selection.step`."""
        selector, place = self.selector, MismatchPosition.decode(position)
        match place.stage:
            case "begin" | "names" if selector in (Selector(), Selector(project=selector.project)):
                ids, at = self.names.walk(selector, place.at, limit)
                self.found.add(ids)
                return SelectionStep(position=replace(place, stage="days" if at is None else "names", at=at).encode())
            case "begin" | "days":
                return self._next_day(selector, _BEFORE_ALL)
            case "sums":
                return self._sums(selector, place)
            case "indexed":
                return self._indexed(selector, place, limit)
            case "found":
                return self._found(selector, place, limit)
            case _:
                return self._listed(selector, place, limit)

    # Totals of a day ------------------------------------------------------------------------------------------------

    def _sums(self, selector: Selector, place: MismatchPosition) -> SelectionStep:
        if self._day is None or self._day.place != place:
            self._day = _Day(place, self.found.first_day(place.day) == place.day)
        day = self._day
        begin_ms, end_ms = self._bounds(selector, place.day)
        for _ in range(_STEP // _READ):
            page = self._page(selector, begin_ms, end_ms, day.position, _READ)
            self._add(day, page.ids, selector)
            day.position = page.position
            if page.position is None:
                break
        else:
            return SelectionStep(unfinished=True)
        self._day = None
        index = self._index_sums(selector, place.day)
        differing = {
            number
            for number in day.sums.keys() | index.keys()
            if not day.sums.get(number, Totals()).agree_with(index.get(number, Totals()))
        }
        differing |= day.unmatched
        if self.deep or not day.lists.agree_with(self.listing, begin_ms, end_ms):
            differing |= day.sums.keys() | index.keys()
        healthy = sum(sums.heads - day.found[number] for number, sums in day.sums.items() if number not in differing)
        if not differing and not day.has_found:
            return replace(self._next_day(selector, place.day), passed=healthy)
        following = replace(place, stage="indexed" if differing else "found", slices=tuple(sorted(differing)))
        return SelectionStep(passed=healthy, position=following.encode())

    def _add(self, day: _Day, ids: Collection[UUID], selector: Selector) -> None:
        heads = self.store.heads(ids)
        found = self.found.among(day.place.day, ids) if day.has_found else ()
        for asset_id in ids:
            head = heads.get(asset_id)
            number = created_ms(asset_id) // _SLICE_MS
            if head is None or head.state is State.PURGED or not selector.covers(head):
                day.unmatched.add(number)
                continue
            day.sums[number] += self._sums_of(head)
            day.found[number] += asset_id in found
            if selector.type is None and selector.project is None:
                day.lists.add(head)

    def _sums_of(self, head: Asset) -> Totals:
        deleted = head.state is not State.ACTIVE
        superseded = range(0) if deleted else head.superseded(self.versions_kept)
        return Totals(
            heads=1,
            deleted=int(deleted),
            revisions=head.revision,
            versions=head.version + sum(superseded),
            superseded=len(superseded),
            created=head.created_ms * (1 + len(superseded)),
        )

    def _index_sums(self, selector: Selector, day: int) -> dict[int, Totals]:
        total: dict[int, Totals] = defaultdict(Totals)
        for index, of in self._sources.of(selector, *self._bounds(selector, day)):
            try:
                found = self.documents.totals(index, of, _SLICE_MS)
            except NotFound:
                continue  # the index is lost: all its documents are missing
            for start_ms, sums in found.items():
                total[start_ms // _SLICE_MS] += sums
        return total

    # The ids of slices that differ ---------------------------------------------------------------------------------

    def _indexed(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Collect ids that the index has in these slices and the store does not list there."""
        differing = frozenset(place.slices)
        sources = list(self._sources.of(selector, *self._bounds(selector, place.day)))
        names = [index for index, _ in sources]
        name, after = orjson.loads(place.at) if place.at else (None, None)
        # The map may have changed so that it has no such index any more. Then the stage starts again.
        first = names.index(name) if name in names else 0
        position = Position(*after) if after and name in names else None
        for index, of in sources[first:]:
            try:
                page = self.documents.page(index, of, after=position, limit=limit, bodies=False)
            except NotFound:
                page = []
            if page:
                found = dict.fromkeys(
                    UUID(document.position.asset_id)
                    for document in page
                    if document.position.created_ms // _SLICE_MS in differing
                )
                # A document with a wrong creation time may have the wrong day, and belongs to no other.
                self.found.add_to(place.day, self._not_listed(selector, list(found)))
                last = page[-1].position
                at = orjson.dumps([index, [last.created_ms, last.doc_id, last.version, last.revision]]).decode()
                return SelectionStep(position=replace(place, at=at).encode())
            position = None
        return SelectionStep(position=replace(place, stage="found", at=None).encode())

    def _not_listed(self, selector: Selector, ids: list[UUID]) -> tuple[UUID, ...]:
        """Remove the ids that `_listed` selects."""
        heads = self.store.heads(ids)
        known = [head for head in heads.values() if head.state is not State.PURGED and selector.covers(head)]
        unlisted = self.listing.unlisted(known)
        walked = (
            f"type:{selector.type}" if selector.type else f"project:{selector.project}" if selector.project else "all"
        )
        given = {head.id for head in known if walked not in unlisted.get(head.id, ())}
        return tuple(asset_id for asset_id in ids if asset_id not in given)

    def _found(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Select the ids of the day that were collected."""
        ids, at = self.found.page(place.day, place.at, limit)
        if at is not None:
            return SelectionStep(ids, position=replace(place, at=at).encode())
        if place.slices:
            return SelectionStep(ids, position=replace(place, stage="listed", at=None).encode())
        return replace(self._next_day(selector, place.day), ids=ids)

    def _listed(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Select the ids that the store lists in these slices, except for those that were collected."""
        begin_ms, end_ms = self._bounds(selector, place.day)
        page = self._page(selector, begin_ms, end_ms, place.at, limit)
        differing = frozenset(place.slices)
        ids = [asset_id for asset_id in page.ids if created_ms(asset_id) // _SLICE_MS in differing]
        found = self.found.among(place.day, ids)
        selected = tuple(asset_id for asset_id in ids if asset_id not in found)
        if page.position is not None:
            return SelectionStep(selected, position=replace(place, at=page.position).encode())
        return replace(self._next_day(selector, place.day), ids=selected)

    # Days ----------------------------------------------------------------------------------------------------------

    def _next_day(self, selector: Selector, day: int) -> SelectionStep:
        """Continue with the next day for which the store or the index has assets, or for which some were collected."""
        begin_ms = (day + 1) * DAY_MS
        if selector.from_ms is not None:
            begin_ms = max(begin_ms, selector.from_ms)
        of_assets = chain(self._listed_from(selector, begin_ms), self._indexed_from(selector, begin_ms))
        days = [at_ms // DAY_MS for at_ms in of_assets if selector.to_ms is None or at_ms < selector.to_ms]
        if (found := self.found.first_day(day + 1)) is not None:
            days.append(found)
        return SelectionStep(position=MismatchPosition(min(days)).encode() if days else None)

    def _listed_from(self, selector: Selector, begin_ms: int) -> list[int]:
        position = None
        while True:
            page = self._page(selector, begin_ms, selector.to_ms, position, 1)
            position = page.position
            if page.ids or position is None:
                return [created_ms(asset_id) for asset_id in page.ids]

    def _indexed_from(self, selector: Selector, begin_ms: int) -> list[int]:
        found: list[int] = []
        misplaced = self._sources.misplaced()
        for index, of in self._sources.of(selector, begin_ms, selector.to_ms):
            # The others are in order of time.
            if found and index not in misplaced:
                continue
            with contextlib.suppress(NotFound):
                page = self.documents.page(index, of, limit=1, bodies=False)
                found += [document.position.created_ms for document in page]
        return found

    def _page(self, selector: Selector, begin_ms: int, end_ms: int | None, position: str | None, limit: int) -> IdPage:
        return listed(self.listing, replace(selector, from_ms=begin_ms, to_ms=end_ms), position, limit)

    def _bounds(self, selector: Selector, day: int) -> tuple[int, int]:
        begin_ms, end_ms = day * DAY_MS, (day + 1) * DAY_MS
        if selector.from_ms is not None:
            begin_ms = max(begin_ms, selector.from_ms)
        return begin_ms, end_ms if selector.to_ms is None else min(end_ms, selector.to_ms)
