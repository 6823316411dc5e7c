"""Names the buckets that need attention: those that are not complete, and those that refuse writes."""

from collections.abc import Sequence

from amp.services.bucket_maps import BucketMaps
from amp.services.check_health import PartHealth
from amp.services.refusing_buckets import RefusingBuckets


class BucketHealth:
    def __init__(self, maps: BucketMaps, refusing: RefusingBuckets) -> None:
        self._maps = maps
        self._refusing = refusing

    def troubled(self) -> Sequence[PartHealth]:
        """One entry for each of them, by the bucket's name.

        :raises NotMigrated, StoreUnavailable: there is no map, or nobody who knows it answers.
        """
        bucket_map, refusals = self._maps.current(), self._refusing.shown()
        found = []
        for bucket in bucket_map.buckets:
            reasons = ["its index was lost, and not all documents are back yet"] if bucket.incomplete else []
            if reason := refusals.get(bucket.index):
                reasons.append(f"it refuses writes: {reason}")
            move = bucket_map.move
            if move is not None and move.source == bucket.index and (reason := refusals.get(move.target)):
                reasons.append(f"its move waits for {move.target}, which refuses writes: {reason}")
            if reasons:
                found.append(PartHealth(bucket.name, False, "; ".join(reasons)))
        return found
