"""Watches the sizes of buckets: opens the next bucket ahead of time, and splits buckets that are too large."""

from dataclasses import dataclass, field

import structlog

from amp.domain.buckets import BucketMap
from amp.domain.moves import MoveKind
from amp.domain.principals import BUCKET_WORKER
from amp.errors import Conflict, Unprocessable
from amp.ports.bucket_indices import IndexInfo, IndexLifecycle
from amp.ports.clock import Clock
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.moves.plan import MovePlanning

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketSizes:
    """Size limits. Bytes are of primary shards; documents do not include deleted ones."""

    roll_bytes: int  #: size at which the bucket of new assets gets a successor
    roll_documents: int
    roll_lead_s: float  #: how far ahead the successor begins, in seconds; longer than ids may be ahead of the clock
    limit_bytes: int  #: size at which any other bucket is split
    split: bool  #: whether buckets are split automatically
    rate: float | None  #: rate of automatic splits in documents per second; None: unlimited


@dataclass(frozen=True, kw_only=True)
class AutoSplit:
    """Records the moves that the sizes of buckets call for. At most one move is recorded per check, because only one
    runs at a time.
    """

    maps: BucketMaps
    indices: IndexLifecycle
    move_planning: MovePlanning
    clock: Clock
    sizes: BucketSizes
    #: Names of buckets that cannot be split, so that this is logged once.
    _unsplittable: set[str] = field(default_factory=set, init=False)

    def check(self) -> bool:
        """Record the move that the sizes call for, if any.

        :raises Retryable: a component does not answer.
        """
        bucket_map = self.maps.refresh()
        if bucket_map.move is not None:
            return False
        infos = {info.index: info for info in self.indices.info()}
        return self._roll(bucket_map, infos) or (self.sizes.split and self._split(bucket_map, infos))

    def _roll(self, bucket_map: BucketMap, infos: dict[str, IndexInfo]) -> bool:
        now_ms = self.clock.now_ms()
        at_s = now_ms // 1000 + 1 + int(self.sizes.roll_lead_s)
        # Not the last bucket: buckets may have been opened far ahead.
        current = bucket_map.bucket_at(now_ms)
        info, end_s = infos.get(current.index), bucket_map.end_s(current)
        if info is None or (end_s is not None and end_s <= at_s):
            return False
        if info.bytes < self.sizes.roll_bytes and info.documents < self.sizes.roll_documents:
            return False
        return self._start(MoveKind.ROLL, current.name, at_s)

    def _split(self, bucket_map: BucketMap, infos: dict[str, IndexInfo]) -> bool:
        for bucket in bucket_map.buckets[:-1]:
            info = infos.get(bucket.index)
            if info is not None and info.bytes > self.sizes.limit_bytes and bucket.name not in self._unsplittable:
                return self._start(MoveKind.SPLIT, bucket.name, None)
        return False

    def _start(self, kind: MoveKind, name: str, at_s: int | None) -> bool:
        try:
            job = self.move_planning.start(kind, name, at_s, self.sizes.rate, BUCKET_WORKER)
        except (Conflict, Unprocessable) as e:
            if isinstance(e, Unprocessable):
                self._unsplittable.add(name)
            _log.warning("bucket not moved", action="bucket_not_moved", bucket=name, kind=kind, reason=e.message)
            return False
        _log.info("bucket grew", action="bucket_grew", bucket=name, kind=kind, job=str(job.id))
        return True
