"""Records moves for the bucket worker, previews and cancels them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import structlog

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.ids import mint_at
from amp.domain.job_parameters import MoveParameters
from amp.domain.jobs import Job, JobState, MoveJob, Note, NoteKind
from amp.domain.move_phases import InvalidPhase, cancelled, planned_merge, planned_rebuild, planned_roll, planned_split
from amp.domain.moves import Move, MoveKind, Phase
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.errors import BucketNotFound, Conflict, JobNotFound, Unprocessable
from amp.ports.bucket_documents import DocumentTotals, TimeRange
from amp.ports.bucket_indices import BucketIndices
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.states import JobStates

_log = structlog.get_logger(__name__)
_MAX_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class MovePlan:
    """A preview of a move."""

    kind: MoveKind
    bucket: Bucket
    at_s: int  #: start of the range that moves
    end_s: int | None  #: its end; None: it has no end
    documents: int
    bytes: int  #: approximate size
    seconds: float | None  #: approximate duration at the requested rate; None: the rate is unlimited


@dataclass(frozen=True, kw_only=True)
class MovePlanning:
    """Previews, records and cancels moves. Only one move runs at a time. A second request is refused and learns which
    move is under way.
    """

    maps: BucketMaps
    indices: BucketIndices
    documents: DocumentTotals
    jobs: JobLog
    clock: Clock
    index_prefix: str

    @cached_property
    def _states(self) -> JobStates:
        return JobStates(jobs=self.jobs, clock=self.clock)

    def preview(
        self,
        kind: MoveKind,
        name: str,
        at_s: int | None,
        rate: float | None,
        principal: Principal,  # noqa: ARG002
    ) -> MovePlan:
        """Return what `start` would do now.

        :raises BucketNotFound: there is no bucket of that name.
        :raises Conflict: a move is under way, or an index is lost.
        :raises Unprocessable: the move is not possible; the message says why.
        :raises Retryable: a component does not answer.
        """
        planned_map, bucket = self._plan(self.maps.refresh(), kind, name, at_s)
        planned = _move(planned_map)
        documents = self.documents.count(planned.source, TimeRange(planned.start_ms, planned.end_ms))
        source_bytes = sum(info.bytes for info in self.indices.info() if info.index == planned.source)
        share = documents / max(1, self.documents.count(planned.source, TimeRange(0)))
        return MovePlan(
            kind=kind,
            bucket=bucket,
            at_s=planned.start_s,
            end_s=planned.end_s,
            documents=documents,
            bytes=round(source_bytes * min(1.0, share)),
            seconds=documents / rate if rate else None,
        )

    def start(self, kind: MoveKind, name: str, at_s: int | None, rate: float | None, principal: Principal) -> Job:
        """Record a move. The bucket worker runs it.

        :param at_s: start of the new bucket; None: a split chooses the time that halves the documents.
        :param rate: documents per second; None: unlimited.
        :raises BucketNotFound: there is no bucket of that name.
        :raises Conflict: a move is under way, or an index is lost.
        :raises Unprocessable: the move is not possible; the message says why.
        :raises Retryable: a component does not answer; the outcome is unknown, check before retrying.
        """
        bucket_map = self.maps.refresh()
        planned, bucket = self._plan(bucket_map, kind, name, at_s)
        move = _move(planned)
        job = MoveJob(
            id=move.id,
            kind=kind.value,
            parameters=MoveParameters(bucket=bucket.name, at_ms=move.start_ms),
            requested_by=principal.name,
            rate=rate,
        )
        # The record comes first, because the mover would create one with less information.
        self.jobs.add(job)
        if not self.maps.replace(planned, bucket_map):
            reason = "the bucket map changed meanwhile; try again"
            self._states.end(job.id, JobState.FAILED, reason)
            raise Conflict(reason)
        _log.info("move planned", action="move_planned", move=str(job.id), kind=kind.value, bucket=bucket.name)
        return job

    def require_neighbour(self, name: str, next_name: str, principal: Principal) -> None:  # noqa: ARG002
        """Require that the second bucket follows the first.

        :raises BucketNotFound: there is no bucket of one of these names.
        :raises Unprocessable: the second is not the next in time after the first.
        """
        buckets = self.maps.refresh().buckets
        first, second = (buckets.index(_named(buckets, name)) for name in (name, next_name))
        if second != first + 1:
            after = buckets[first + 1].name if first + 1 < len(buckets) else "none: it is the newest"
            reason = f"{next_name} is not the next bucket after {name}, which is {after}"
            raise Unprocessable.at("/next", reason)

    def cancel(self, job_id: UUID, principal: Principal) -> Job:
        """Begin to undo the move. It is undone once its job is cancelled. Repeating it changes nothing.

        :raises JobNotFound: there is no such job.
        :raises Conflict: searches use the target already, or the move has ended.
        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        for _ in range(_MAX_ATTEMPTS):
            job = self.jobs.get(job_id)
            if job is None:
                raise JobNotFound(f"there is no job {job_id}")
            bucket_map = self.maps.refresh()
            move = bucket_map.move
            if move is None or move.id != job_id:
                raise Conflict(f"the job has ended ({job.state})")
            if move.phase is Phase.CANCELLED:
                return job
            try:
                cancelled_map = cancelled(bucket_map, "")
            except InvalidPhase as e:
                raise Conflict("too late to cancel: searches use the new index already") from e
            if self.maps.replace(cancelled_map, bucket_map):
                note = Note(self.clock.now_ms(), NoteKind.CANCELLED, f"cancelled by {principal.name}")
                self.jobs.note(job_id, note)
                return job
        raise Conflict("the bucket map keeps changing; try again")

    def _plan(self, bucket_map: BucketMap, kind: MoveKind, name: str, at_s: int | None) -> tuple[BucketMap, Bucket]:
        bucket, job = _named(bucket_map.buckets, name), mint_at(self.clock.now_ms())
        if (move := bucket_map.move) is not None:
            raise Conflict(f"a {move.kind} is under way ({move.phase}): job {move.id}", job=str(move.id))
        self._require_index(bucket)
        match kind:
            case MoveKind.MERGE:
                try:
                    planned = planned_merge(bucket_map, bucket, job)
                except ValueError as e:
                    raise Unprocessable(f"bucket {name}: {e}; name the earlier one of the two") from e
                self._require_index(bucket_map.buckets[bucket_map.buckets.index(bucket) + 1])
            case MoveKind.REBUILD:
                planned = planned_rebuild(bucket_map, self.index_prefix, bucket, job)
            case MoveKind.SPLIT:
                boundary_s = self._boundary(bucket_map, bucket, at_s)
                planned = planned_split(bucket_map, self.index_prefix, bucket, boundary_s, job)
            case MoveKind.ROLL:
                if at_s is None:
                    raise _bad_time("a roll needs a time at which the new bucket starts")
                planned = planned_roll(bucket_map, self.index_prefix, bucket, _within(bucket_map, bucket, at_s), job)
        return planned, bucket

    def _require_index(self, bucket: Bucket) -> None:
        """Refuse to move a lost index. The bucket worker replaces it."""
        if all(info.index != bucket.index for info in self.indices.info()):
            raise Conflict(f"the index {bucket.index} of bucket {bucket.name} is lost; reconcile the buckets first")

    def _boundary(self, bucket_map: BucketMap, bucket: Bucket, at_s: int | None) -> int:
        """Return a time in whole seconds with documents on both sides."""
        end_s = bucket_map.end_s(bucket)
        whole = TimeRange(bucket.start_s * 1000, None if end_s is None else end_s * 1000)
        self.indices.refresh([bucket.index])
        median_ms = self.documents.median_created_ms(bucket.index, whole)
        if median_ms is None:
            raise Unprocessable(f"bucket {bucket.name} is empty: there is nothing to split")
        if at_s is not None:
            if self._divides(bucket.index, whole, _within(bucket_map, bucket, at_s)):
                return at_s
            middle = format_ms(median_ms)
            raise _bad_time(
                f"all documents of bucket {bucket.name} lie on one side of {format_ms(at_s * 1000)}; half of them were "
                f"created before {middle}"
            )
        for candidate_s in (median_ms // 1000, median_ms // 1000 + 1):
            inside = bucket.start_s < candidate_s and (end_s is None or candidate_s < end_s)
            if inside and self._divides(bucket.index, whole, candidate_s):
                return candidate_s
        raise Unprocessable(
            f"bucket {bucket.name} cannot be split: most of its documents were created within one second"
        )

    def _divides(self, index: str, whole: TimeRange, at_s: int) -> bool:
        before = self.documents.count(index, TimeRange(whole.start_ms, at_s * 1000))
        return bool(before and self.documents.count(index, TimeRange(at_s * 1000, whole.end_ms)))


def _within(bucket_map: BucketMap, bucket: Bucket, at_s: int) -> int:
    """Return the time, which must be inside the bucket.

    :raises Unprocessable: it is not.
    """
    end_s = bucket_map.end_s(bucket)
    if bucket.start_s < at_s and (end_s is None or at_s < end_s):
        return at_s
    if at_s == bucket.start_s:
        raise _bad_time(f"a bucket begins at {format_ms(at_s * 1000)} already")
    until = "" if end_s is None else f" and ends at {format_ms(end_s * 1000)}"
    begins = format_ms(bucket.start_s * 1000)
    raise _bad_time(f"{format_ms(at_s * 1000)} is not in bucket {bucket.name}, which begins at {begins}{until}")


def _bad_time(reason: str) -> Unprocessable:
    return Unprocessable.at("/at", reason)


def _move(bucket_map: BucketMap) -> Move:
    assert bucket_map.move is not None
    return bucket_map.move


def _named(buckets: Sequence[Bucket], name: str) -> Bucket:
    for bucket in buckets:
        if bucket.name == name:
            return bucket
    raise BucketNotFound(f"there is no bucket {name!r}")
