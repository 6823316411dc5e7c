"""Brings the search documents of changed assets up to the store: read, build, route, put, settle each answer."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from uuid import UUID

import orjson

from amp.domain.assets import Asset, Scope, State, Version, asset_json, version_json
from amp.domain.documents import IndexedDocument, dropped_document, head_document, superseded_document
from amp.domain.events import Event, Message
from amp.errors import TypeNotFound
from amp.metrics import Metrics
from amp.ports.asset_store import AssetStore
from amp.services.aside import Aside
from amp.services.put_documents import AssetDocuments, Indexed, PutDocuments
from amp.services.refusing_buckets import PROBE_S
from amp.services.retry_queue import RetryQueue
from amp.services.run_consumer import Failure
from amp.services.runtime.retry import Stopped, retry_until_stopped
from amp.services.runtime.step_size import StepSize
from amp.services.settle_writes import SetAside
from amp.services.type_catalog import TypeCatalog

#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: Versions of one asset that are read and put at once.
_VERSIONS_AT_ONCE = 20
#: Documents are put once their sources take so much.
_GROUP_BYTES = 8 * 1024 * 1024
#: What an index does not take for so long comes again later, so that it holds up nothing else.
_PATIENCE_S = 30.0


class IndexAssets:
    """Documents are made of what the store says now, under its revision, so replay and reordering are harmless."""

    def __init__(
        self,
        store: AssetStore,
        catalog: TypeCatalog,
        putter: PutDocuments,
        retries: RetryQueue,
        metrics: Metrics,
        versions_kept: int,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._putter = putter
        self._retries = retries
        self._metrics = metrics
        self._versions_kept = versions_kept
        self._step_size = StepSize()

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Index what these messages are about; those that are given up.

        :raises Stopped: `stop` was set before all was done.
        """
        events = _events_among(messages)
        aside = Aside(events, self._retries.add)
        return self._settled(messages, self._index(events, stop, aside), aside.ids)

    def handle_retries(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """As `handle`, for what was set aside: whatever its bucket still refuses is set aside once more, after one
        pause for all of it.

        :raises Stopped: `stop` was set before all was done.
        """
        rejected: dict[UUID, str] = {}
        pending: Sequence[Event] = _events_among(messages)
        while pending:
            aside = Aside(pending, lambda _: True)
            rejected |= self._index(pending, stop, aside)
            pending = aside.events
            if pending and stop.wait(PROBE_S):
                raise Stopped
            if pending and self._retries.put_back(pending):
                break
        return self._settled(messages, rejected, {event.asset_id for event in pending})

    def index(self, events: Sequence[Event], stop: threading.Event) -> Mapping[UUID, str]:
        """Bring the documents of these events' assets up to the store, as long as it takes; the assets that the index
        rejects, with the reason. The events of a bucket that refuses writes go into the retry queue, if it has room.

        :raises Stopped: `stop` was set before all was done.
        """
        return self._index(events, stop, Aside(events, self._retries.add))

    def _settled(
        self, messages: Sequence[Message], rejected: Mapping[UUID, str], aside: Collection[UUID]
    ) -> Mapping[Message, Failure]:
        failures: dict[Message, Failure] = {}
        for message in messages:
            if not isinstance(message, Event):
                failures[message] = Failure("no event")
            elif message.asset_id in rejected:
                failures[message] = Failure(rejected[message.asset_id])
            elif message.asset_id not in aside:
                self._metrics.events_indexed.inc()
        return failures

    def _index(self, events: Sequence[Event], stop: threading.Event, aside: Aside) -> Mapping[UUID, str]:
        in_parts: dict[UUID, list[Event]] = defaultdict(list)
        at_once: dict[UUID, list[Event]] = defaultdict(list)
        heavy = {e.asset_id for e in events if e.scope is Scope.ALL and e.version > _VERSIONS_AT_ONCE}
        for event in events:
            (in_parts if event.asset_id in heavy else at_once)[event.asset_id].append(event)

        def built() -> Iterator[list[AssetDocuments]]:
            for ids in self._step_size.steps(list(at_once)):
                # What a bucket refuses is not even read.
                taken = self._putter.without_refused(ids, aside.add)
                if some := [event for asset_id in taken for event in at_once[asset_id]]:
                    yield retry_until_stopped(partial(self.build, some), stop, "index")

        rejected = self._put_in_groups(built(), stop, aside.add)
        for asset_id, its_events in in_parts.items():
            if asset_id not in aside.ids and self._putter.without_refused([asset_id], aside.add):
                rejected |= self._index_in_parts(asset_id, its_events, stop, aside)
        return rejected

    def _index_in_parts(
        self,
        asset_id: UUID,
        events: Sequence[Event],
        stop: threading.Event,
        aside: Aside,
        patience_s: float = float("inf"),
    ) -> Mapping[UUID, str]:
        """All documents of one asset with many versions, some at a time: together they may be a thousand times as large
        as an asset."""
        rejected: dict[UUID, str] = {}
        head = retry_until_stopped(lambda: self._heads([asset_id]), stop, "index").get(asset_id)
        older = range(0) if head is None else self._older(head)
        if not older:
            built = retry_until_stopped(lambda: self.build(events), stop, "index")
            return self._putter.put(built, stop, aside.add, patience_s)
        for numbers in _parts(older):
            build = partial(self._build_part, asset_id, numbers, events if numbers.stop == older.stop else None)
            rejected |= self._putter.put(retry_until_stopped(build, stop, "index"), stop, aside.add, patience_s)
            if asset_id in aside.ids:
                break  # it comes again as a whole
        return rejected

    def _build_part(self, asset_id: UUID, numbers: range, events: Sequence[Event] | None) -> list[AssetDocuments]:
        """The documents of some versions. The last part, which has the events, brings the tombstones of the versions
        that these drop, and the head."""
        heads = self._heads([asset_id])
        versions = self._versions(dict.fromkeys(heads, numbers))
        return [self._documents(head, versions[asset_id], events) for head in heads.values()]

    def build(self, events: Iterable[Event]) -> list[AssetDocuments]:
        """The documents these events call for. An asset or version the store does not have is left alone: its own
        event will come, and ghosts are the checker's work.

        :raises StoreUnavailable: the store does not answer.
        """
        by_asset: dict[UUID, list[Event]] = defaultdict(list)
        for event in events:
            by_asset[event.asset_id].append(event)
        heads = self._heads(by_asset)
        wanted = {asset_id: self._superseded(head, by_asset[asset_id]) for asset_id, head in heads.items()}
        versions = self._versions(wanted)
        return self._noted(
            [self._documents(head, versions[asset_id], by_asset[asset_id]) for asset_id, head in heads.items()]
        )

    def index_all(self, ids: Sequence[UUID], stop: threading.Event) -> Indexed:
        """Put every document that the index shall hold of these assets, some assets at a time.

        :raises StoreUnavailable: the store does not answer.
        :raises Stopped: `stop` was set before all were put.
        """
        aside = Aside((), lambda _: True)
        known: set[UUID] = set()
        heavy: list[UUID] = []

        def built() -> Iterator[list[AssetDocuments]]:
            for some in self._step_size.steps(ids):
                heads = self._heads(self._putter.without_refused(some, aside.add))
                known.update(heads)
                light = self._light(heads)
                heavy.extend(heads.keys() - light.keys())
                yield self.build_of(light)

        rejected = self._put_in_groups(built(), stop, aside.add, _PATIENCE_S)
        for asset_id in self._putter.without_refused(heavy, aside.add):
            rejected |= self._index_in_parts(asset_id, (), stop, aside, _PATIENCE_S)
        return Indexed(known, rejected, aside.ids)

    def build_of(self, heads: Mapping[UUID, Asset]) -> list[AssetDocuments]:
        """Every document that the index shall hold of assets with these heads, none of them purged.

        :raises StoreUnavailable: the store does not answer.
        """
        versions = self._versions({asset_id: self._older(head) for asset_id, head in heads.items()})
        return self._noted([self._documents(head, versions[asset_id], ()) for asset_id, head in heads.items()])

    def parts_of(self, heads: Mapping[UUID, Asset]) -> Iterator[list[AssetDocuments]]:
        """As `build_of`, but assets with many versions come one by one, some of their versions at a time.

        :raises StoreUnavailable: the store does not answer.
        """
        light = self._light(heads)
        yield self.build_of(light)
        for head in (head for asset_id, head in heads.items() if asset_id not in light):
            older = self._older(head)
            for numbers in _parts(older):
                versions = self._versions({head.id: numbers})[head.id]
                yield [self._documents(head, versions, () if numbers.stop == older.stop else None)]

    def _put_in_groups(
        self,
        built: Iterable[list[AssetDocuments]],
        stop: threading.Event,
        set_aside: SetAside,
        patience_s: float = float("inf"),
    ) -> dict[UUID, str]:
        """Put what comes of several steps together, as long as it is small; what the index rejects, with the reason."""
        rejected: dict[UUID, str] = {}
        ready: list[AssetDocuments] = []
        for some in built:
            ready += some
            if sum(each.source_bytes for each in ready) >= _GROUP_BYTES:
                rejected |= self._putter.put(ready, stop, set_aside, patience_s)
                ready = []
        rejected |= self._putter.put(ready, stop, set_aside, patience_s)
        return rejected

    def _noted(self, made: list[AssetDocuments]) -> list[AssetDocuments]:
        """The same, after the size of the next step was set by theirs."""
        self._step_size.note(max((each.source_bytes for each in made), default=0))
        return made

    def _heads(self, ids: Collection[UUID]) -> dict[UUID, Asset]:
        heads = self._store.heads(ids)
        return {asset_id: head for asset_id, head in heads.items() if head.state is not State.PURGED}

    def _versions(self, wanted: Mapping[UUID, Collection[int]]) -> Mapping[UUID, list[Version]]:
        versions: dict[UUID, list[Version]] = defaultdict(list)
        if wanted := {asset_id: numbers for asset_id, numbers in wanted.items() if numbers}:
            for (asset_id, _), version in self._store.versions(wanted).items():
                versions[asset_id].append(version)
        return versions

    def _superseded(self, head: Asset, events: Sequence[Event]) -> Collection[int]:
        """The versions, under the head's, whose documents these events call for."""
        older = self._older(head)
        if any(event.scope is Scope.ALL for event in events):
            return older
        return [version for event in events for version in (event.version - 1, event.version) if version in older]

    def _light(self, heads: Mapping[UUID, Asset]) -> dict[UUID, Asset]:
        """Those all of whose documents may be made at once."""
        return {id_: head for id_, head in heads.items() if len(self._older(head)) <= _VERSIONS_AT_ONCE}

    def _older(self, head: Asset) -> range:
        return head.superseded(self._versions_kept)

    def _documents(self, head: Asset, versions: Sequence[Version], events: Sequence[Event] | None) -> AssetDocuments:
        """`events` None: of these versions alone."""
        try:
            documents = self._superseded_documents(head, versions)
            if events is not None:
                documents += self._dropped_documents(head, events)
                head_type = self._catalog.version(head.type, head.type_version)
                documents.append(head_document(head, head_type, orjson.dumps(asset_json(head))))
        except TypeNotFound as e:
            return AssetDocuments(head.id, head.created_ms, (), rejected=str(e))
        return AssetDocuments(head.id, head.created_ms, tuple(documents))

    def _superseded_documents(self, head: Asset, versions: Sequence[Version]) -> list[IndexedDocument]:
        return [
            superseded_document(head, version, self._catalog.version(head.type, version.type_version), source)
            for version in versions
            for source in [orjson.dumps(version_json(head, version))]
        ]

    def _dropped_documents(self, head: Asset, events: Sequence[Event]) -> list[IndexedDocument]:
        # An event from before a purge may be about a higher version than the asset has now.
        kept_from = self._older(head).start
        dropped = {version for event in events if 0 < (version := event.version - self._versions_kept) < kept_from}
        return [dropped_document(head, version) for version in sorted(dropped)]


def _events_among(messages: Sequence[Message]) -> list[Event]:
    return [message for message in messages if isinstance(message, Event)]


def _parts(numbers: range) -> Iterator[range]:
    return (numbers[begin : begin + _VERSIONS_AT_ONCE] for begin in range(0, len(numbers), _VERSIONS_AT_ONCE))
