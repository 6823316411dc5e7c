"""Writes documents into the buckets that the map names, however long it takes, and settles each answer."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from amp.domain.buckets import BucketMap, index_of
from amp.domain.documents import IndexedDocument
from amp.ports.search_index import Put, SearchIndex, WriteStatus
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import Patience, SetAside, Unsettled, Writes, WriteSettlement

_log = structlog.get_logger(__name__)
#: Documents are collected until their sources reach this size, in bytes, and then written together.
_GROUP_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AssetDocuments:
    """The documents of one asset to write."""

    asset_id: UUID
    created_ms: int
    documents: tuple[IndexedDocument, ...]
    rejected: str | None = None  #: why no documents can be built; None: they were built

    @property
    def source_bytes(self) -> int:
        return sum(len(document.body.get("source", b"")) for document in self.documents)


@dataclass(frozen=True, slots=True)
class IndexResult:
    """The outcome of indexing all documents of assets."""

    known: Collection[UUID]  #: those that the store has
    rejected: Mapping[UUID, str]  #: those that the index rejects, with the reason
    refused: Collection[UUID]  #: those whose bucket refuses writes now


@dataclass(frozen=True, kw_only=True)
class DocumentWriter:
    index: SearchIndex
    maps: BucketMaps
    settlement: WriteSettlement
    refusing: RefusingBuckets

    def write(
        self,
        assets: Sequence[AssetDocuments],
        stop: threading.Event,
        set_aside: SetAside = lambda _: False,
        patience: Patience | None = None,
    ) -> Mapping[UUID, str]:
        """Write all documents, and retry until each is settled. Return the rejected assets with the reason.

        :param set_aside: takes over the assets of buckets that refuse writes for more than five seconds.
        :param patience: once it is over, `set_aside` takes over all that is left.
        :raises Stopped: `stop` was set before all were written.
        """
        rejected = {asset.asset_id: asset.rejected for asset in assets if asset.rejected is not None}

        def send(bucket_map: BucketMap, some: Sequence[AssetDocuments]) -> Unsettled[AssetDocuments]:
            return self._write_once(bucket_map, some, rejected)

        writes = Writes(
            send=send,
            without_refused=lambda some: self._without_refused(some, set_aside),
            give_up=lambda some: set_aside([asset.asset_id for asset in some]),
        )
        self.settlement.run(writes, [asset for asset in assets if asset.documents], stop, patience)
        return rejected

    def write_in_groups(
        self,
        built: Iterable[Sequence[AssetDocuments]],
        stop: threading.Event,
        set_aside: SetAside,
        patience: Patience | None = None,
    ) -> dict[UUID, str]:
        """Write documents that arrive in several steps, as `write` does. Small ones are written together."""
        rejected: dict[UUID, str] = {}
        ready: list[AssetDocuments] = []
        ready_bytes = 0
        for some in built:
            ready += some
            ready_bytes += sum(asset.source_bytes for asset in some)
            if ready_bytes >= _GROUP_BYTES:
                rejected |= self.write(ready, stop, set_aside, patience)
                ready, ready_bytes = [], 0
        rejected |= self.write(ready, stop, set_aside, patience)
        return rejected

    def without_refused(self, ids: Sequence[UUID], set_aside: SetAside) -> Sequence[UUID]:
        """Return those of the assets that `set_aside` does not take over because their bucket refuses writes."""
        if not ids or self.refusing.all_accept():
            return ids
        bucket_map = self.maps.current()
        # Documents that only the target of a move refuses are left to the mover.
        searched = {asset_id: bucket_map.aliases_of(asset_id)[:1] for asset_id in ids}
        refused = {asset_id for asset_id, aliases in searched.items() if self.refusing.refuses_any(aliases)}
        if not refused or not set_aside(refused):
            return ids
        _log.info("changes deferred", action="changes_deferred", assets=len(refused))
        return [asset_id for asset_id in ids if asset_id not in refused]

    def _is_left_to_mover(self, aliases: Sequence[str], alias: str) -> bool:
        """Return whether the alias leads to the target of a move, and that index refuses writes. The mover copies the
        missing documents before searches see the target, or does not finish.

        :param aliases: all aliases that a document is written to, the alias of the searched index first.
        """
        return alias != aliases[0] and self.refusing.refuses(index_of(alias))

    def _without_refused(self, assets: list[AssetDocuments], set_aside: SetAside) -> list[AssetDocuments]:
        ids = [asset.asset_id for asset in assets]
        kept: Collection[UUID] = self.without_refused(ids, set_aside)
        if len(kept) == len(ids):
            return assets
        kept = set(kept)
        return [asset for asset in assets if asset.asset_id in kept]

    def _write_once(
        self, bucket_map: BucketMap, assets: Sequence[AssetDocuments], rejected: dict[UUID, str]
    ) -> Unsettled[AssetDocuments]:
        """Return the assets to route again, and the documents of others to send again as they are."""
        puts: list[Put] = []
        owners: list[int] = []
        for position, asset in enumerate(assets):
            aliases = bucket_map.write_aliases(asset.created_ms)
            for alias in aliases:
                if self._is_left_to_mover(aliases, alias):
                    continue
                puts += [Put(alias, document) for document in asset.documents]
                owners += [position] * len(asset.documents)
        results = self.index.put(puts)
        self.refusing.note(zip((index_of(put.alias) for put in puts), results, strict=True))
        stale: set[int] = set()
        # By document id, because a document may be busy in several indices.
        busy: dict[int, dict[str, IndexedDocument]] = defaultdict(dict)
        for put, owner, result in zip(puts, owners, results, strict=True):
            match result.status:
                case WriteStatus.STALE:
                    stale.add(owner)
                case WriteStatus.BUSY:
                    aliases = bucket_map.write_aliases(assets[owner].created_ms)
                    if not self._is_left_to_mover(aliases, put.alias):
                        busy[owner][put.document.doc_id] = put.document
                case WriteStatus.REJECTED:
                    rejected[assets[owner].asset_id] = result.reason
        again = [
            AssetDocuments(assets[owner].asset_id, assets[owner].created_ms, tuple(documents.values()))
            for owner, documents in busy.items()
            if owner not in stale
        ]
        return Unsettled([assets[owner] for owner in sorted(stale)], again)
