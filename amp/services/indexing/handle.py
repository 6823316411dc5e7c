"""Brings the search documents of changed assets up to the store: read, build, route, put, settle each answer."""

import threading
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from uuid import UUID

from amp.domain.assets import Asset, State, Version, content_bytes
from amp.domain.messages import AssetChanged, Message
from amp.metrics import Metrics
from amp.ports.asset_store import AssetStore
from amp.services.buckets.refusals import PROBE_S
from amp.services.buckets.settlement import Patience
from amp.services.indexing.build_documents import DocumentBuilder
from amp.services.indexing.deferred import DeferredAssets
from amp.services.indexing.retry_queue import RetryQueue
from amp.services.indexing.write_documents import AssetDocuments, DocumentWriter, IndexResult
from amp.services.runtime.consumer import Failure
from amp.services.runtime.retry import Stopped, retry_until_stopped
from amp.services.runtime.step_size import MAX_COUNT_READ_WHILE_SMALL, STEP_BYTES, StepSize
from amp.services.types.catalog import TypeCatalog

#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: Versions of one asset that are read and put at once.
_VERSIONS_AT_ONCE = 20
#: Versions that are read in one step: each may be large, however small the head is.
_VERSIONS_A_STEP = 128
#: What an index does not take within so long in all comes again later, so that it holds up nothing else.
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class BuiltDocuments:
    """What was made of some assets."""

    documents: Sequence[AssetDocuments]
    known: Collection[UUID]  #: the assets that the store has
    heavy: Collection[UUID]  #: those whose documents must be made some at a time
    left: Collection[UUID]  #: the assets that were not read, as others take enough; never all of them


class AssetIndexer:
    """Documents are made of what the store says now, under its revision, so replay and reordering are harmless."""

    def __init__(
        self,
        store: AssetStore,
        catalog: TypeCatalog,
        putter: DocumentWriter,
        retries: RetryQueue,
        metrics: Metrics,
        versions_kept: int,
    ) -> None:
        self._store = store
        self._putter = putter
        self._retries = retries
        self._metrics = metrics
        self._maker = DocumentBuilder(catalog, versions_kept)
        self._step_size = StepSize(max_count=MAX_COUNT_READ_WHILE_SMALL)

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Index what these messages are about; those that are given up.

        :raises Stopped: `stop` was set before all was done.
        """
        events = _events_among(messages)
        aside = DeferredAssets(events, self._retries.add)
        return self._settled(messages, self._index(events, stop, aside), aside.ids)

    def handle_retries(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """As `handle`, for what was set aside: whatever its bucket still refuses is set aside once more, after one
        pause for all of it.

        :raises Stopped: `stop` was set before all was done.
        """
        rejected: dict[UUID, str] = {}
        pending: Sequence[AssetChanged] = _events_among(messages)
        while pending:
            aside = DeferredAssets(pending, lambda _: True)
            rejected |= self._index(pending, stop, aside)
            pending = aside.events
            if pending and stop.wait(PROBE_S):
                raise Stopped
            if pending and self._retries.put_back(pending):
                break
        return self._settled(messages, rejected, {event.asset_id for event in pending})

    def index(self, events: Sequence[AssetChanged], stop: threading.Event) -> Mapping[UUID, str]:
        """Bring the documents of these events' assets up to the store, as long as it takes; the assets that the index
        rejects, with the reason. The events of a bucket that refuses writes go into the retry queue, if it has room.

        :raises Stopped: `stop` was set before all was done.
        """
        return self._index(events, stop, DeferredAssets(events, self._retries.add))

    def _settled(
        self, messages: Sequence[Message], rejected: Mapping[UUID, str], aside: Collection[UUID]
    ) -> Mapping[Message, Failure]:
        failures: dict[Message, Failure] = {}
        indexed = 0
        for message in messages:
            if not isinstance(message, AssetChanged):
                failures[message] = Failure("no event")
            elif message.asset_id in rejected:
                failures[message] = Failure(rejected[message.asset_id])
            elif message.asset_id not in aside:
                indexed += 1
        self._metrics.events_indexed.inc(indexed)
        return failures

    def _index(
        self, events: Sequence[AssetChanged], stop: threading.Event, aside: DeferredAssets
    ) -> Mapping[UUID, str]:
        by_asset = _by_asset(events)
        heavy: list[UUID] = []

        def built() -> Iterator[Sequence[AssetDocuments]]:
            pending = deque(by_asset)
            for ids in self._step_size.steps(pending):
                # What a bucket refuses is not even read.
                taken = self._putter.without_refused(ids, aside.add)
                if some := {asset_id: by_asset[asset_id] for asset_id in taken}:
                    step = retry_until_stopped(partial(self._build, some), stop, "index")
                    heavy.extend(step.heavy)
                    pending.extend(step.left)
                    yield step.documents

        rejected = self._putter.put_in_groups(built(), stop, aside.add)
        for asset_id in heavy:
            if asset_id not in aside.ids and self._putter.without_refused([asset_id], aside.add):
                rejected |= self._index_in_parts(asset_id, by_asset[asset_id], stop, aside)
        return rejected

    def _index_in_parts(
        self,
        asset_id: UUID,
        events: Sequence[AssetChanged],
        stop: threading.Event,
        aside: DeferredAssets,
        patience: Patience | None = None,
    ) -> Mapping[UUID, str]:
        """The documents of many versions of one asset, some at a time: together they may be a thousand times as large
        as an asset."""
        rejected: dict[UUID, str] = {}
        head = retry_until_stopped(lambda: self._heads([asset_id]), stop, "index").get(asset_id)
        parts = [] if head is None else _parts(self._maker.wanted(head, events))
        for numbers in parts:
            build = partial(self._build_part, asset_id, numbers, events if numbers is parts[-1] else None)
            rejected |= self._putter.put(retry_until_stopped(build, stop, "index"), stop, aside.add, patience)
            if asset_id in aside.ids:
                break  # it comes again as a whole
        return rejected

    def _build_part(
        self, asset_id: UUID, numbers: Sequence[int], events: Sequence[AssetChanged] | None
    ) -> list[AssetDocuments]:
        """The documents of some versions. The last part, which has the events, brings the tombstones of the versions
        that these drop, and the head."""
        heads = self._heads([asset_id])
        versions = self._versions(dict.fromkeys(heads, numbers))
        return [self._maker.make(head, versions[asset_id], events) for head in heads.values()]

    def build(self, events: Iterable[AssetChanged]) -> BuiltDocuments:
        """The documents these events call for. An asset or version the store does not have is left alone: its own
        event will come, and ghosts are the checker's work.

        :raises StoreUnavailable: the store does not answer.
        """
        return self._build(_by_asset(events))

    def _build(self, events: Mapping[UUID, Sequence[AssetChanged]]) -> BuiltDocuments:
        """As `build`; every document of those assets that have no events."""
        heads, left = self._read(events.keys())
        wanted = {asset_id: self._maker.wanted(head, events[asset_id]) for asset_id, head in heads.items()}
        light = _light(heads, wanted)
        later = _beyond_a_step(light)
        for asset_id in later:
            del heads[asset_id], light[asset_id]
        versions = self._versions(light)
        documents = [self._maker.make(heads[asset_id], versions[asset_id], events[asset_id]) for asset_id in light]
        self._step_size.note(max((made.source_bytes for made in documents), default=0))
        return BuiltDocuments(documents, set(heads), heads.keys() - light.keys(), [*left, *later])

    def index_all(self, ids: Sequence[UUID], stop: threading.Event) -> IndexResult:
        """Put every document that the index shall hold of these assets, some assets at a time. Once the index has not
        taken them for long enough, what is left counts as refused.

        :raises StoreUnavailable: the store does not answer.
        :raises Stopped: `stop` was set before all were put.
        """
        aside = DeferredAssets((), lambda _: True)
        patience = Patience(_PATIENCE_S)
        known: set[UUID] = set()
        heavy: list[UUID] = []

        def taken(some: Sequence[UUID]) -> Sequence[UUID]:
            if patience.is_over:
                aside.add(some)
                return ()
            return self._putter.without_refused(some, aside.add)

        def built() -> Iterator[Sequence[AssetDocuments]]:
            pending = deque(ids)
            for some in self._step_size.steps(pending):
                step = self._build(dict.fromkeys(taken(some), ()))
                known.update(step.known)
                heavy.extend(step.heavy)
                pending.extend(step.left)
                yield step.documents

        rejected = self._putter.put_in_groups(built(), stop, aside.add, patience)
        for asset_id in heavy:
            if taken([asset_id]):
                rejected |= self._index_in_parts(asset_id, (), stop, aside, patience)
        return IndexResult(known, rejected, aside.ids)

    def build_of(self, heads: Mapping[UUID, Asset]) -> list[AssetDocuments]:
        """Every document that the index shall hold of assets with these heads, none of them purged.

        :raises StoreUnavailable: the store does not answer.
        """
        versions = self._versions({asset_id: self._maker.older(head) for asset_id, head in heads.items()})
        return [self._maker.make(head, versions[asset_id], ()) for asset_id, head in heads.items()]

    def parts_of(self, heads: Mapping[UUID, Asset]) -> Iterator[list[AssetDocuments]]:
        """As `build_of`, but assets with many versions come one by one, some of their versions at a time.

        :raises StoreUnavailable: the store does not answer.
        """
        light = _light(heads, {asset_id: self._maker.older(head) for asset_id, head in heads.items()})
        yield self.build_of({asset_id: heads[asset_id] for asset_id in light})
        for head in (head for asset_id, head in heads.items() if asset_id not in light):
            parts = _parts(self._maker.older(head))
            for numbers in parts:
                versions = self._versions({head.id: numbers})[head.id]
                yield [self._maker.make(head, versions, () if numbers is parts[-1] else None)]

    def _heads(self, ids: Collection[UUID]) -> dict[UUID, Asset]:
        heads = self._store.heads(ids)
        return {asset_id: head for asset_id, head in heads.items() if head.state is not State.PURGED}

    def _read(self, ids: Collection[UUID]) -> tuple[dict[UUID, Asset], Collection[UUID]]:
        """The heads of as many of these assets as a step has room for, and the ids of those that it has not."""
        heads: dict[UUID, Asset] = {}
        read_bytes = 0
        for head, size in self._store.each_head(ids):
            if head.state is not State.PURGED:
                heads[head.id] = head
            read_bytes += size
            if read_bytes >= STEP_BYTES:
                break
        return heads, [] if read_bytes < STEP_BYTES else [asset_id for asset_id in ids if asset_id not in heads]

    def _versions(self, wanted: Mapping[UUID, Collection[int]]) -> Mapping[UUID, list[Version]]:
        versions: dict[UUID, list[Version]] = defaultdict(list)
        if wanted := {asset_id: numbers for asset_id, numbers in wanted.items() if numbers}:
            for (asset_id, _), version in self._store.versions(wanted).items():
                versions[asset_id].append(version)
        return versions


def _events_among(messages: Sequence[Message]) -> list[AssetChanged]:
    return [message for message in messages if isinstance(message, AssetChanged)]


def _by_asset(events: Iterable[AssetChanged]) -> dict[UUID, list[AssetChanged]]:
    by_asset: dict[UUID, list[AssetChanged]] = defaultdict(list)
    for event in events:
        by_asset[event.asset_id].append(event)
    return by_asset


def _light(heads: Mapping[UUID, Asset], wanted: Mapping[UUID, Sequence[int]]) -> dict[UUID, Sequence[int]]:
    """Those of the assets whose wanted versions may all be read at once, if each is as large as the head. The first is
    among them unless it has too many."""
    light: dict[UUID, Sequence[int]] = {}
    left_bytes = STEP_BYTES
    for asset_id, numbers in wanted.items():
        if len(numbers) <= _VERSIONS_AT_ONCE and left_bytes > 0:
            light[asset_id] = numbers
            # One version and its head are what most changes call for: a step has room for them.
            if len(numbers) > 1:
                left_bytes -= len(numbers) * content_bytes(heads[asset_id])
    return light


def _beyond_a_step(light: Mapping[UUID, Sequence[int]]) -> list[UUID]:
    """The last of these assets, whose wanted versions are too many to be read with those before."""
    ends = accumulate(map(len, light.values()))
    return [asset_id for asset_id, end in zip(light, ends, strict=True) if end > _VERSIONS_A_STEP]


def _parts(numbers: Sequence[int]) -> list[Sequence[int]]:
    """At least one, which may be empty."""
    return [numbers[begin : begin + _VERSIONS_AT_ONCE] for begin in range(0, max(1, len(numbers)), _VERSIONS_AT_ONCE)]
