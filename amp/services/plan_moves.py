"""Records a move for the bucket worker to make, or tells what it would do; and cancels one."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState
from amp.domain.move_phases import WrongPhase, cancelled, planned_merge, planned_rebuild, planned_roll, planned_split
from amp.domain.moves import Move, MoveKind
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.errors import BucketNotFound, Conflict, JobNotFound, Unprocessable
from amp.ports.bucket_documents import BucketDocuments, Range
from amp.ports.bucket_indices import BucketIndices
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.services.bucket_maps import BucketMaps

_log = structlog.get_logger(__name__)
_TRIES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a move would do."""

    kind: MoveKind
    bucket: Bucket
    at_s: int  #: where the range that moves begins
    end_s: int | None
    documents: int
    bytes: int  #: about
    seconds: float | None  #: about, at the rate asked for; None: unthrottled


class PlanMoves:
    """One move at a time: whoever comes second is told what is under way."""

    def __init__(
        self,
        maps: BucketMaps,
        indices: BucketIndices,
        documents: BucketDocuments,
        jobs: JobLog,
        clock: Clock,
        index_prefix: str,
    ) -> None:
        self._maps = maps
        self._indices = indices
        self._documents = documents
        self._jobs = jobs
        self._clock = clock
        self._prefix = index_prefix

    def look(self, kind: MoveKind, name: str, at_s: int | None, rate: float | None) -> Plan:
        """What `start` would do now.

        :raises BucketNotFound: there is no bucket of that name.
        :raises Conflict: a move is under way.
        :raises Unprocessable: it cannot be done so; the message says why.
        :raises Retryable: a part does not answer.
        """
        planned_map, bucket = self._plan(self._maps.refresh(), kind, name, at_s)
        planned = _move(planned_map)
        documents = self._documents.count(planned.source, Range(planned.start_ms, planned.end_ms))
        info = {info.index: info for info in self._indices.info()}[planned.source]
        share = documents / max(1, self._documents.count(planned.source, Range(0)))
        return Plan(
            kind=kind,
            bucket=bucket,
            at_s=planned.start_s,
            end_s=planned.end_s,
            documents=documents,
            bytes=round(info.bytes * min(1.0, share)),
            seconds=documents / rate if rate else None,
        )

    def start(self, kind: MoveKind, name: str, at_s: int | None, rate: float | None, caller: Principal) -> Job:
        """Record the move; the bucket worker makes it. `at_s`: where the new bucket begins (None: a split finds the
        time that halves the documents). `rate`: documents a second (None: as fast as it goes).

        :raises BucketNotFound: there is no bucket of that name.
        :raises Conflict: a move is under way.
        :raises Unprocessable: it cannot be done so; the message says why.
        :raises Retryable: a part does not answer; look before trying again.
        """
        bucket_map = self._maps.refresh()
        planned, bucket = self._plan(bucket_map, kind, name, at_s)
        move = _move(planned)
        job = Job(
            id=move.id,
            kind=kind.value,
            parameters={"bucket": bucket.name, "at": format_ms(move.start_ms)},
            requested_by=caller.name,
            rate=rate,
        )
        # The record first: the mover would make one that knows less.
        self._jobs.add(job)
        if not self._maps.replace(planned, bucket_map):
            reason = "the bucket map changed meanwhile; try again"
            self._jobs.set_state(job.id, JobState.FAILED, reason=reason, ended_ms=self._clock.now_ms())
            raise Conflict(reason)
        _log.info("move recorded", action="move_planned", move=str(job.id), kind=kind.value, bucket=bucket.name)
        return job

    def cancel(self, job_id: UUID, caller: Principal) -> Job:
        """Let things go back to what they were before; done once the job says so.

        :raises JobNotFound: there is no such job.
        :raises Conflict: searches use the new place already, or it has ended.
        :raises StoreUnavailable: look before trying again.
        """
        for _ in range(_TRIES):
            job = self._jobs.get(job_id)
            if job is None:
                raise JobNotFound(f"there is no job {job_id}")
            bucket_map = self._maps.refresh()
            if bucket_map.move is None or bucket_map.move.id != job_id:
                raise Conflict(f"the job has ended ({job.state})")
            try:
                going_back = cancelled(bucket_map, "")
            except WrongPhase as e:
                raise Conflict("too late: searches use the new place already, or it is being cancelled") from e
            if self._maps.replace(going_back, bucket_map):
                self._jobs.note(job_id, self._clock.now_ms(), f"cancelled by {caller.name}")
                return job
        raise Conflict("the bucket map keeps changing; try again")

    def _plan(self, bucket_map: BucketMap, kind: MoveKind, name: str, at_s: int | None) -> tuple[BucketMap, Bucket]:
        if (move := bucket_map.move) is not None:
            raise Conflict(f"a {move.kind} is under way ({move.phase}): job {move.id}", job=str(move.id))
        bucket, job = _named(bucket_map, name), mint_at(self._clock.now_ms())
        try:
            match kind:
                case MoveKind.MERGE:
                    return planned_merge(bucket_map, bucket, job), bucket
                case MoveKind.REBUILD:
                    return planned_rebuild(bucket_map, self._prefix, bucket, job), bucket
                case MoveKind.SPLIT:
                    boundary_s = self._boundary(bucket_map, bucket, at_s)
                    return planned_split(bucket_map, self._prefix, bucket, boundary_s, job), bucket
                case MoveKind.ROLL:
                    if at_s is None:
                        raise ValueError("a new bucket needs a time to start at")
                    return planned_roll(bucket_map, self._prefix, bucket, at_s, job), bucket
        except ValueError as e:
            raise Unprocessable(f"bucket {bucket.name}: {e}") from e

    def _boundary(self, bucket_map: BucketMap, bucket: Bucket, at_s: int | None) -> int:
        """A whole second with documents on both sides."""
        end_s = bucket_map.end_s(bucket)
        whole = Range(bucket.start_s * 1000, None if end_s is None else end_s * 1000)
        self._indices.refresh([bucket.index])
        if at_s is None:
            median_ms = self._documents.median_created_ms(bucket.index, whole)
            if median_ms is None:
                raise Unprocessable(f"bucket {bucket.name} is empty: there is nothing to split")
            candidates = [median_ms // 1000, median_ms // 1000 + 1]
        else:
            candidates = [at_s]
        for candidate_s in candidates:
            if bucket.start_s < candidate_s and (end_s is None or candidate_s < end_s):
                before = self._documents.count(bucket.index, Range(whole.start_ms, candidate_s * 1000))
                after = self._documents.count(bucket.index, Range(candidate_s * 1000, whole.end_ms))
                if before and after:
                    return candidate_s
        if at_s is None:
            raise Unprocessable(
                f"bucket {bucket.name} cannot be split: most of its documents were created within one second"
            )
        raise Unprocessable(
            f"bucket {bucket.name} has no documents on one side of {format_ms(at_s * 1000)}, or ends before it"
        )


def _move(bucket_map: BucketMap) -> Move:
    assert bucket_map.move is not None
    return bucket_map.move


def _named(bucket_map: BucketMap, name: str) -> Bucket:
    for bucket in bucket_map.buckets:
        if bucket.name == name:
            return bucket
    raise BucketNotFound(f"there is no bucket {name!r}")
