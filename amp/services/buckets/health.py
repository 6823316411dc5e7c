"""Reports buckets that need attention: lost, incomplete, or refusing writes."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.health import ComponentHealth
from amp.errors import Retryable
from amp.ports.bucket_indices import IndexAccess
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.refusals import RefusingBuckets


@dataclass(frozen=True, kw_only=True)
class BucketHealth:
    maps: BucketMaps
    indices: IndexAccess
    refusing: RefusingBuckets

    def troubled(self) -> Sequence[ComponentHealth]:
        """Return one entry for each such bucket, by its name. While the search index does not answer, lost buckets are
        unknown, and only the others are returned.

        :raises NotMigrated, StoreUnavailable: there is no map, or it cannot be read.
        """
        bucket_map = self.maps.current()
        missed = self._missed(bucket_map)
        if missed:
            # A bucket may have been merged or rebuilt meanwhile and have another index.
            bucket_map = self.maps.refresh()
            missed = self._missed(bucket_map)
        refusals = self.refusing.reported()
        found = []
        for bucket in bucket_map.buckets:
            reasons = []
            if bucket.index in missed:
                reasons.append("its index is missing from searches, which fail until the bucket worker repairs this")
            elif bucket.incomplete:
                reasons.append("its index was lost, and not all documents are indexed again yet")
            if reason := refusals.get(bucket.index):
                reasons.append(f"it refuses writes: {reason}")
            move = bucket_map.move
            if move is not None and move.source == bucket.index and (reason := refusals.get(move.target)):
                reasons.append(f"its move waits for {move.target}, which refuses writes: {reason}")
            if reasons:
                found.append(ComponentHealth(bucket.name, False, "; ".join(reasons)))
        return found

    def _missed(self, bucket_map: BucketMap) -> Set[str]:
        """Return the indices that searches should read and do not. Those of a move are left out, because it changes
        them.
        """
        try:
            searched = self.indices.searched()
        except Retryable:
            return frozenset()
        return {bucket.index for bucket in bucket_map.buckets if not _moves(bucket_map, bucket)} - searched


def _moves(bucket_map: BucketMap, bucket: Bucket) -> bool:
    move = bucket_map.move
    return move is not None and bucket.index in (move.source, move.target)
