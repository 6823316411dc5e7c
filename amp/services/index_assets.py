"""Brings the search documents of changed assets up to the store: read, build, route, put, settle each answer."""

import random
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson
import structlog

from amp.domain.assets import Asset, Scope, State, Version, asset_json, version_json
from amp.domain.documents import IndexedDocument, dropped_document, head_document, superseded_document
from amp.domain.events import Event, Message
from amp.errors import NotMigrated, Retryable, TypeNotFound
from amp.metrics import Metrics
from amp.ports.asset_store import AssetStore
from amp.ports.search_index import Put, SearchIndex, Written
from amp.services.bucket_maps import BucketMaps
from amp.services.move_aliases import LookAgain, MoveAliases
from amp.services.run_consumer import Failure
from amp.services.runtime.retry import Stopped, retry_until_stopped
from amp.services.type_catalog import TypeCatalog

_log = structlog.get_logger(__name__)
#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: Versions of one asset that are read and put at once.
_VERSIONS_AT_ONCE = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
#: A move holds writers for less than a second.
_LONGEST_STALE_PAUSE_S = 0.2
#: After waiting that long, the step that should let writers through is taken from here: whoever moves may be dead.
_HELP_AFTER_S = 3.0


@dataclass(frozen=True, slots=True)
class AssetDocuments:
    """What the index shall hold of one asset after an event."""

    asset_id: UUID
    created_ms: int
    documents: tuple[IndexedDocument, ...]
    rejected: str | None = None  #: why no documents can be made of it


class IndexAssets:
    """Documents are made of what the store says now, under its revision, so replay and reordering are harmless."""

    def __init__(
        self,
        store: AssetStore,
        catalog: TypeCatalog,
        index: SearchIndex,
        maps: BucketMaps,
        aliases: MoveAliases,
        metrics: Metrics,
        versions_kept: int,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._index = index
        self._maps = maps
        self._aliases = aliases
        self._metrics = metrics
        self._versions_kept = versions_kept

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Index what these messages are about; those that are given up.

        :raises Stopped: `stop` was set before all was done.
        """
        events = [message for message in messages if isinstance(message, Event)]
        rejected = self.index(events, stop)
        self._metrics.events_indexed.inc(len(messages))
        failures = {event: Failure(rejected[event.asset_id]) for event in events if event.asset_id in rejected}
        return failures | {message: Failure("no event") for message in messages if not isinstance(message, Event)}

    def index(self, events: Sequence[Event], stop: threading.Event) -> Mapping[UUID, str]:
        """Bring the documents of these events' assets up to the store, as long as it takes; the assets that the index
        rejects, with the reason.

        :raises Stopped: `stop` was set before all was done.
        """
        in_parts: dict[UUID, list[Event]] = defaultdict(list)
        at_once: list[Event] = []
        for event in events:
            heavy = event.scope is Scope.ALL and event.version > _VERSIONS_AT_ONCE
            (in_parts[event.asset_id] if heavy else at_once).append(event)
        rejected = dict(self.put(retry_until_stopped(lambda: self.build(at_once), stop, "index"), stop))
        for asset_id, its_events in in_parts.items():
            rejected |= self._index_in_parts(asset_id, its_events, stop)
        return rejected

    def _index_in_parts(self, asset_id: UUID, events: Sequence[Event], stop: threading.Event) -> Mapping[UUID, str]:
        """All documents of one asset with many versions, some at a time: together they may be a thousand times as large
        as an asset."""
        rejected: dict[UUID, str] = {}
        head = retry_until_stopped(lambda: self._heads([asset_id]), stop, "index").get(asset_id)
        older = range(0) if head is None else self._older(head)
        if not older:
            return self.put(retry_until_stopped(lambda: self.build(events), stop, "index"), stop)
        for begin in range(older.start, older.stop, _VERSIONS_AT_ONCE):
            numbers = range(begin, min(begin + _VERSIONS_AT_ONCE, older.stop))
            build = partial(self._build_part, asset_id, numbers, events)
            rejected |= self.put(retry_until_stopped(build, stop, "index"), stop)
        return rejected

    def _build_part(self, asset_id: UUID, numbers: range, events: Sequence[Event]) -> list[AssetDocuments]:
        """The head's document and those of some versions, and those that the events drop."""
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
        return [self._documents(head, versions[asset_id], by_asset[asset_id]) for asset_id, head in heads.items()]

    def build_all(self, ids: Collection[UUID]) -> list[AssetDocuments]:
        """Every document that the index shall hold of these assets; those the store does not have are left out.

        :raises StoreUnavailable: the store does not answer.
        """
        return self.build_of(self._heads(ids))

    def build_of(self, heads: Mapping[UUID, Asset]) -> list[AssetDocuments]:
        """Every document that the index shall hold of assets with these heads, none of them purged.

        :raises StoreUnavailable: the store does not answer.
        """
        versions = self._versions({asset_id: self._older(head) for asset_id, head in heads.items()})
        return [self._documents(head, versions[asset_id], ()) for asset_id, head in heads.items()]

    def put(self, assets: Sequence[AssetDocuments], stop: threading.Event) -> Mapping[UUID, str]:
        """Put all documents, as long as it takes; the assets that the index rejects, with the reason.

        :raises Stopped: `stop` was set before all were put.
        """
        rejected = {asset.asset_id: asset.rejected for asset in assets if asset.rejected is not None}
        open_ = [asset for asset in assets if asset.documents]
        pause_s, waited_s = _FIRST_PAUSE_S, 0.0
        while open_:
            stale, busy = self._put_once(open_, rejected)
            if stale:
                self._refresh_map()
            open_ = [*stale, *busy]
            if open_:
                reason = "stale bucket map" if stale else "index busy"
                _log.info("puts to repeat", action="puts_repeated", assets=len(open_), reason=reason)
                if stop.wait(pause_s * random.uniform(0.5, 1.0)):
                    raise Stopped
                waited_s += pause_s
                pause_s = min(pause_s * 2, _LONGEST_STALE_PAUSE_S if stale else _LONGEST_PAUSE_S)
                if waited_s > _HELP_AFTER_S:
                    self._help_move()
                    waited_s = 0.0
        return rejected

    def _put_once(
        self, assets: Sequence[AssetDocuments], rejected: dict[UUID, str]
    ) -> tuple[list[AssetDocuments], list[AssetDocuments]]:
        """The assets to route again after a map refresh, and what of others is to be sent again as it is."""
        bucket_map = self._maps.current()
        puts: list[Put] = []
        owners: list[int] = []
        for position, asset in enumerate(assets):
            for alias in bucket_map.write_aliases(asset.created_ms):
                puts += [Put(alias, document) for document in asset.documents]
                owners += [position] * len(asset.documents)
        stale: set[int] = set()
        #: By id, as one may be busy in several indices.
        busy: dict[int, dict[str, IndexedDocument]] = defaultdict(dict)
        for put, owner, result in zip(puts, owners, self._index.put(puts), strict=True):
            match result.written:
                case Written.STALE:
                    stale.add(owner)
                case Written.BUSY:
                    busy[owner][put.document.doc_id] = put.document
                case Written.REJECTED:
                    rejected[assets[owner].asset_id] = result.reason
        again = [
            AssetDocuments(assets[owner].asset_id, assets[owner].created_ms, tuple(documents.values()))
            for owner, documents in busy.items()
            if owner not in stale
        ]
        return [assets[owner] for owner in sorted(stale)], again

    def _refresh_map(self) -> None:
        try:
            self._maps.refresh()
        except (Retryable, NotMigrated) as e:
            _log.warning("no newer bucket map", action="map_refresh_failed", reason=str(e))

    def _help_move(self) -> None:
        try:
            while True:
                try:
                    self._aliases.settle(self._maps.refresh())
                    return
                except LookAgain:
                    continue
        except (Retryable, NotMigrated) as e:
            _log.warning("move not helped", action="move_help_failed", reason=str(e))

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

    def _older(self, head: Asset) -> range:
        """The versions kept under the head's."""
        return range(max(1, head.version - self._versions_kept + 1), head.version)

    def _documents(self, head: Asset, versions: Sequence[Version], events: Sequence[Event]) -> AssetDocuments:
        try:
            documents = self._build_documents(head, versions, events)
        except TypeNotFound as e:
            return AssetDocuments(head.id, head.created_ms, (), rejected=str(e))
        return AssetDocuments(head.id, head.created_ms, documents)

    def _build_documents(
        self, head: Asset, versions: Sequence[Version], events: Sequence[Event]
    ) -> tuple[IndexedDocument, ...]:
        documents = [
            superseded_document(head, version, self._catalog.version(head.type, version.type_version), source)
            for version in versions
            for source in [orjson.dumps(version_json(head, version))]
        ]
        dropped = {event.version - self._versions_kept for event in events}
        documents += [dropped_document(head, version) for version in dropped if version > 0]
        self._metrics.versions_dropped.inc(sum(version > 0 for version in dropped))
        head_type = self._catalog.version(head.type, head.type_version)
        documents.append(head_document(head, head_type, orjson.dumps(asset_json(head))))
        return tuple(documents)
