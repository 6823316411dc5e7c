"""Names the buckets that need attention: those that searches miss, that are not complete, or that refuse writes."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.health import ComponentHealth
from amp.errors import Retryable
from amp.ports.bucket_indices import BucketIndices
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.refusals import RefusingBuckets


@dataclass(frozen=True, kw_only=True)
class BucketHealth:
    maps: BucketMaps
    indices: BucketIndices
    refusing: RefusingBuckets

    def troubled(self) -> Sequence[ComponentHealth]:
        """One entry for each of them, by the bucket's name. While the search index does not answer, it is unknown which
        buckets searches miss, and the others are named.

        :raises NotMigrated, StoreUnavailable: there is no map, or nobody who knows it answers.
        """
        bucket_map = self.maps.current()
        missed = self._missed(bucket_map)
        if missed:
            # A bucket that was merged or rebuilt has another index by now.
            bucket_map = self.maps.refresh()
            missed = self._missed(bucket_map)
        refusals = self.refusing.shown()
        found = []
        for bucket in bucket_map.buckets:
            reasons = []
            if bucket.index in missed:
                reasons.append("searches miss its index, and fail until the bucket worker replaces it")
            elif bucket.incomplete:
                reasons.append("its index was lost, and not all documents are back yet")
            if reason := refusals.get(bucket.index):
                reasons.append(f"it refuses writes: {reason}")
            move = bucket_map.move
            if move is not None and move.source == bucket.index and (reason := refusals.get(move.target)):
                reasons.append(f"its move waits for {move.target}, which refuses writes: {reason}")
            if reasons:
                found.append(ComponentHealth(bucket.name, False, "; ".join(reasons)))
        return found

    def _missed(self, bucket_map: BucketMap) -> Set[str]:
        """The indices that searches should see and do not, but for those of a move, which changes what they see."""
        try:
            searched = self.indices.searched()
        except Retryable:
            return frozenset()
        return {bucket.index for bucket in bucket_map.buckets if not _moves(bucket_map, bucket)} - searched


def _moves(bucket_map: BucketMap, bucket: Bucket) -> bool:
    move = bucket_map.move
    return move is not None and bucket.index in (move.source, move.target)
