"""Selects the assets that a check has to compare: those of time slices whose totals differ."""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from uuid import UUID

import orjson
import structlog

from amp.domain.assets import State
from amp.domain.documents import Position
from amp.domain.ids import created_ms
from amp.domain.selectors import Selector
from amp.errors import NotFound
from amp.ports.asset_listing import AssetListing, IdPage
from amp.ports.asset_store import AssetReads
from amp.ports.bucket_documents import BucketDocuments, RawDocument, Totals
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare_lists import ListTotals
from amp.services.consistency.compare_names import NameComparison
from amp.services.consistency.found_assets import DAY_MS, FoundAssets
from amp.services.consistency.head_totals import totals_of
from amp.services.consistency.mismatch_position import MismatchPosition
from amp.services.consistency.sources import DocumentSources
from amp.services.jobs.asset_selection import listed
from amp.services.jobs.selection import SelectionStep

_log = structlog.get_logger(__name__)
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
    unmatched: set[int] = field(default_factory=set)  #: slices with collected ids, or ids without an asset
    lists: ListTotals = field(default_factory=ListTotals)


@dataclass(kw_only=True)
class MismatchSelection:
    """A `Selection` of the assets in time slices whose totals differ. It works day by day. The heads of the store are
    totalled by slices of a minute and compared with totals that the index computes itself. Only the ids of slices that
    differ are selected, those of the store and those of the index. For a day without mismatches, only its totals are
    transferred.

    What leads to an asset in another way than through the store's list, a name that misleads or a document of the
    index, is collected. An asset that the list has in a slice that differs is selected there; the others are selected
    at the end of the day. So each asset is selected once, but for one that has a document with a wrong creation time:
    that document may be read on a later day. It is then selected again rather than missed.
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
                for day, of_day in _by_day(ids).items():
                    self.found.add(day, of_day)
                return SelectionStep(position=replace(place, stage="days" if at is None else "names", at=at).encode())
            case "begin" | "days":
                return self._next_day(selector, _BEFORE_ALL)
            case "sums":
                return self._sums(selector, place)
            case "listed":
                return self._listed(selector, place, limit)
            case "indexed":
                return self._indexed(selector, place, limit)
            case _:
                return self._found(selector, place, limit)

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
        healthy = sum(sums.heads for number, sums in day.sums.items() if number not in differing)
        if not differing and not day.has_found:
            return replace(self._next_day(selector, place.day), passed=healthy)
        following = replace(place, stage="listed" if differing else "found", slices=tuple(sorted(differing)))
        return SelectionStep(passed=healthy, position=following.encode())

    def _add(self, day: _Day, ids: Collection[UUID], selector: Selector) -> None:
        heads = self.store.heads(ids)
        found = self.found.among(day.place.day, ids) if day.has_found else ()
        for asset_id in ids:
            head = heads.get(asset_id)
            number = created_ms(asset_id) // _SLICE_MS
            is_real = head is not None and head.state is not State.PURGED and selector.covers(head)
            if asset_id in found or not is_real:
                day.unmatched.add(number)
            if head is None or not is_real:
                continue
            day.sums[number] += totals_of(head, self.versions_kept)
            if selector.type is None and selector.project is None:
                day.lists.add(head)

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

    def _listed(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Select the ids that the store lists in these slices."""
        begin_ms, end_ms = self._bounds(selector, place.day)
        page = self._page(selector, begin_ms, end_ms, place.at, limit)
        differing = frozenset(place.slices)
        ids = tuple(asset_id for asset_id in page.ids if created_ms(asset_id) // _SLICE_MS in differing)
        following = replace(place, at=page.position)
        if page.position is None:
            following = replace(place, stage="indexed", at=None)
        return SelectionStep(ids, position=following.encode())

    def _indexed(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Collect the ids of documents that the index has in these slices and whose assets `_listed` did not select."""
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
                self._collect(selector, place, _asset_ids(index, page, differing))
                last = page[-1].position
                at = orjson.dumps([index, [last.created_ms, last.doc_id, last.version, last.revision]]).decode()
                return SelectionStep(position=replace(place, at=at).encode())
            position = None
        return SelectionStep(position=replace(place, stage="found", at=None).encode())

    def _collect(self, selector: Selector, place: MismatchPosition, ids: Collection[UUID]) -> None:
        """Collect the ids that `_listed` did not select, for the day of their creation. If that day is past or never
        reached, collect those for this day that were not collected for that one.
        """
        for day, of_day in _by_day(self._not_listed(selector, place, ids)).items():
            if day < place.day or not _is_reached(selector, day):
                known = self.found.among(day, of_day)
                self.found.add(place.day, [asset_id for asset_id in of_day if asset_id not in known])
            # Second, so that after a kill in between they are collected once more.
            self.found.add(day, of_day)

    def _found(self, selector: Selector, place: MismatchPosition, limit: int) -> SelectionStep:
        """Select the ids of the day that were collected and that `_listed` did not select."""
        page, at = self.found.page(place.day, place.at, limit)
        ids = self._not_listed(selector, place, page)
        if at is not None:
            return SelectionStep(ids, position=replace(place, at=at).encode())
        return replace(self._next_day(selector, place.day), ids=ids)

    def _not_listed(self, selector: Selector, place: MismatchPosition, ids: Collection[UUID]) -> tuple[UUID, ...]:
        """Remove the ids that `_listed` selected: those that the store lists in slices that differ."""
        differing = frozenset(place.slices)
        heads = self.store.heads(ids)
        known = [head for head in heads.values() if head.state is not State.PURGED and selector.covers(head)]
        unlisted = self.listing.unlisted(known)
        walked = (
            f"type:{selector.type}" if selector.type else f"project:{selector.project}" if selector.project else "all"
        )
        selected = {
            head.id
            for head in known
            if walked not in unlisted.get(head.id, ())
            and (head.created_ms // _SLICE_MS in differing or (self.deep and head.created_ms // DAY_MS < place.day))
        }
        return tuple(asset_id for asset_id in ids if asset_id not in selected)

    # Days ----------------------------------------------------------------------------------------------------------

    def _next_day(self, selector: Selector, day: int) -> SelectionStep:
        """Continue with the next day for which the store or the index has assets, or for which some were collected."""
        begin_ms = (day + 1) * DAY_MS
        if selector.from_ms is not None:
            begin_ms = max(begin_ms, selector.from_ms)
        of_assets = chain(self._listed_from(selector, begin_ms), self._indexed_from(selector, begin_ms))
        days = [at_ms // DAY_MS for at_ms in of_assets if selector.to_ms is None or at_ms < selector.to_ms]
        found = self.found.first_day(begin_ms // DAY_MS)
        if found is not None and _is_reached(selector, found):
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


def _by_day(ids: Iterable[UUID]) -> dict[int, list[UUID]]:
    by_day: dict[int, list[UUID]] = defaultdict(list)
    for asset_id in ids:
        by_day[created_ms(asset_id) // DAY_MS].append(asset_id)
    return by_day


def _is_reached(selector: Selector, day: int) -> bool:
    """Return whether the day begins before the end of the selected time."""
    return selector.to_ms is None or day * DAY_MS < selector.to_ms


def _asset_ids(index: str, page: Sequence[RawDocument], slices: Collection[int]) -> list[UUID]:
    """Return the ids of the assets of those documents that are in these slices."""
    found: dict[UUID, None] = {}
    for document in page:
        if document.position.created_ms // _SLICE_MS in slices:
            try:
                found[UUID(document.position.asset_id)] = None
            except ValueError:
                _log.warning("foreign document", action="foreign_document", index=index, document=document.doc_id[:128])
    return list(found)
