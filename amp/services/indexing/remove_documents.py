"""Removes documents from the buckets that the map names, and settles each answer."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import structlog

from amp.domain.buckets import BucketMap, index_of, write_alias
from amp.ports.bucket_documents import DocumentPages, RawDocument
from amp.ports.search_index import WriteStatus
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import Patience, Unsettled, Writes, WriteSettlement

_log = structlog.get_logger(__name__)
#: Maximum documents in one request, because an asset may have any number of them.
_DOCUMENTS_AT_ONCE = 1_000
#: Documents that cannot be removed within this time, in seconds, are removed later, so that they delay nothing else.
_PATIENCE_S = 30.0
#: Minimum patience of one request, in seconds: enough for one attempt.
_MIN_PATIENCE_S = 0.001


@dataclass(frozen=True, slots=True)
class Removal:
    """A document to remove unless a newer revision of it is there."""

    document: RawDocument
    index: str | None = None  #: its index; None: the index where the map places its creation time

    @property
    def asset_id(self) -> UUID:
        return UUID(self.document.position.asset_id)

    def aliases(self, bucket_map: BucketMap) -> Sequence[str]:
        """Return the write aliases that lead to the document, including the target of a move. The result is empty if
        its index no longer belongs to a bucket.
        """
        if self.index is None:
            return bucket_map.write_aliases(self.document.position.created_ms)
        bucket, move = bucket_map.bucket_of(self.index), bucket_map.move
        if bucket is None:
            return ()
        if move is None or move.source != self.index or not move.writes_both:
            return (bucket.write_alias,)
        # The target first, because only documents in the source are found again.
        return write_alias(move.target, bucket.token), bucket.write_alias


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """The assets whose documents were not all removed."""

    left: Collection[UUID]  #: those of which a bucket refuses writes or does not answer
    rejected: Mapping[UUID, str]  #: those whose removal the index rejects permanently, with the reason


@dataclass(frozen=True, kw_only=True)
class DocumentRemover:
    """Removes search documents. A document that stayed in the target of a move would reappear at the switch. Therefore
    it is removed from source and target, and even if only the target refuses writes, the removal is repeated later.
    """

    documents: DocumentPages
    maps: BucketMaps
    settlement: WriteSettlement
    refusing: RefusingBuckets

    def without_refused(self, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Return those of the assets whose buckets are not known to refuse writes."""
        bucket_map = self.maps.current()
        return [asset_id for asset_id in ids if not self.refusing.refuses_any(bucket_map.aliases_of(asset_id))]

    def remove(self, removals: Iterable[Removal], stop: threading.Event) -> RemovalResult:
        """Remove the documents, some at a time.

        :raises Stopped: `stop` was set before all was done.
        """
        left: set[UUID] = set()
        rejected: dict[UUID, str] = {}

        def send(bucket_map: BucketMap, some: Sequence[Removal]) -> Unsettled[Removal]:
            return self._send(bucket_map, some, rejected)

        def without_refused(some: list[Removal]) -> list[Removal]:
            bucket_map = self.maps.current()
            refused = [removal for removal in some if self.refusing.refuses_any(removal.aliases(bucket_map))]
            left.update(removal.asset_id for removal in refused)
            return [removal for removal in some if removal.asset_id not in left]

        def give_up(some: list[Removal]) -> bool:
            left.update(removal.asset_id for removal in some)
            return True

        writes = Writes(send=send, without_refused=without_refused, give_up=give_up)
        pending, patience = iter(removals), Patience(_PATIENCE_S)
        while some := list(islice(pending, _DOCUMENTS_AT_ONCE)):
            patience.left_s = max(patience.left_s, _MIN_PATIENCE_S)
            self.settlement.run(writes, some, stop, patience)
        return RemovalResult(left, rejected)

    def _send(
        self, bucket_map: BucketMap, removals: Sequence[Removal], rejected: dict[UUID, str]
    ) -> Unsettled[Removal]:
        by_alias: dict[str, list[Removal]] = defaultdict(list)
        for removal in removals:
            for alias in removal.aliases(bucket_map):
                by_alias[alias].append(removal)
        # Each removal once, because several indices may refuse it.
        stale: dict[Removal, None] = {}
        busy: dict[Removal, None] = {}
        for alias, some in by_alias.items():
            results = self.documents.delete(alias, [removal.document for removal in some])
            self.refusing.note((index_of(alias), result) for result in results)
            for removal, result in zip(some, results, strict=True):
                match result.status:
                    case WriteStatus.STALE:
                        stale[removal] = None
                    case WriteStatus.BUSY:
                        busy[removal] = None
                    case WriteStatus.REJECTED:
                        doc_id = removal.document.doc_id
                        _log.warning(
                            "removal rejected", action="removal_rejected", document=doc_id, reason=result.reason
                        )
                        rejected[removal.asset_id] = result.reason
        return Unsettled(list(stale), [removal for removal in busy if removal not in stale])
