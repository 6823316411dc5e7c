"""Reports the buckets to operators: their sizes, their states and the move under way."""

from dataclasses import dataclass
from enum import StrEnum

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.moves import Move, MoveKind
from amp.domain.principals import METRICS, Principal
from amp.ports.bucket_indices import IndexInfo, IndexLifecycle
from amp.ports.metrics import BucketFigures, MapFigures
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.control import JobControl, JobStatus
from amp.services.moves.autosplit import BucketSizes
from amp.services.moves.control import under_way


class BucketState(StrEnum):
    OPEN = "open"
    ROLLING = "rolling"
    SPLITTING = "splitting"
    MERGING = "merging"
    REBUILDING = "rebuilding"
    INCOMPLETE = "incomplete"  #: documents were lost with a former index and are not all restored yet
    LOST = "lost"  #: the index is lost


_MOVING = {
    MoveKind.ROLL: BucketState.ROLLING,
    MoveKind.SPLIT: BucketState.SPLITTING,
    MoveKind.MERGE: BucketState.MERGING,
    MoveKind.REBUILD: BucketState.REBUILDING,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketStatus:
    bucket: Bucket
    end_s: int | None  #: end of its range; None: it is the newest
    state: BucketState
    #: Documents of the whole index that are not deleted, including those that a move has still to remove.
    documents: int
    bytes: int  #: size of primary shards
    #: Share of the size at which the newest bucket gets a successor, or any other is split.
    share: float
    moving: bool  #: whether the move under way concerns it


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketReport:
    generation: int
    buckets: tuple[BucketStatus, ...]
    move: Move | None
    job: JobStatus | None  #: the job of the move


@dataclass(frozen=True, kw_only=True)
class BucketReports:
    maps: BucketMaps
    indices: IndexLifecycle
    jobs: JobControl
    sizes: BucketSizes

    def report(self, principal: Principal) -> BucketReport:
        """Return the state of all buckets.

        :raises Retryable: a component does not answer.
        """
        bucket_map = self.maps.refresh()
        infos = {info.index: info for info in self.indices.info()}
        move = bucket_map.move
        return BucketReport(
            generation=bucket_map.generation,
            buckets=tuple(self._status(bucket_map, i, infos) for i in range(len(bucket_map.buckets))),
            move=move,
            job=None if move is None else self.jobs.of(under_way(move), principal),
        )

    def figures(self) -> MapFigures:
        """Return the figures for metrics.

        :raises NotMigrated: there is no map yet.
        :raises Retryable: a component does not answer.
        """
        report = self.report(METRICS)
        buckets = [BucketFigures(status.bucket.name, status.documents, status.bytes) for status in report.buckets]
        move = report.move
        return MapFigures(buckets, None if move is None else (move.kind.value, move.phase.value))

    def move(self, principal: Principal) -> Move | None:  # noqa: ARG002
        """Return the move under way; None: there is none.

        :raises StoreUnavailable: the store does not answer.
        """
        return self.maps.refresh().move

    def _status(self, bucket_map: BucketMap, position: int, infos: dict[str, IndexInfo]) -> BucketStatus:
        bucket, move = bucket_map.buckets[position], bucket_map.move
        newest = position == len(bucket_map.buckets) - 1
        info = infos.get(bucket.index)
        moving = move is not None and bucket.index in (move.source, move.target)
        return BucketStatus(
            bucket=bucket,
            end_s=None if newest else bucket_map.buckets[position + 1].start_s,
            state=_state(bucket, info, move if moving else None),
            documents=info.documents if info else 0,
            bytes=info.bytes if info else 0,
            share=self._share(info, newest) if info else 0.0,
            moving=moving,
        )

    def _share(self, info: IndexInfo, newest: bool) -> float:
        sizes = self.sizes
        if not newest:
            return info.bytes / sizes.limit_bytes
        return max(info.bytes / sizes.roll_bytes, info.documents / sizes.roll_documents)


def _state(bucket: Bucket, info: IndexInfo | None, move: Move | None) -> BucketState:
    if info is None:
        return BucketState.LOST
    if move is not None:
        return _MOVING[move.kind]
    return BucketState.INCOMPLETE if bucket.incomplete else BucketState.OPEN
