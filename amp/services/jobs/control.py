"""Shows jobs, and pauses, resumes, slows and cancels them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from amp.domain.chunks import TOLD, Result
from amp.domain.ids import created_ms
from amp.domain.jobs import Job, JobState, Note
from amp.domain.moves import MOVE_KINDS, Move, Phase
from amp.domain.principals import Principal
from amp.errors import Conflict, JobNotFound
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.ended_counts import EndedCounts, chunk_count
from amp.services.jobs.states import JobStates
from amp.services.jobs.workers import workers_of
from amp.services.moves.plan import PlanMoves
from amp.services.runtime.presence import WorkerPresence

#: Jobs of one page whose unsettled chunks are read, up to about forty reads each.
_MAX_COUNTED = 20
_CHUNKS_A_PAGE = 200
#: A job's record comes before its move is in the map.
_BEGINNING_MS = 60_000
_NEVER_BEGAN = "it never began: the process that recorded it stopped half-way"


@dataclass(frozen=True, slots=True)
class JobStatus:
    job: Job
    phase: Phase | None  #: of a move under way
    waits_for: tuple[str, ...] = ()  #: kinds of workers that it needs and that do not run


class SteerJobs:
    """The bucket map alone says whether a move is under way. A move ends in its record first and then in the map, so a
    record that is still open without a move in the map is of one that never began; reading it ends it.
    """

    def __init__(
        self,
        jobs: JobLog,
        letters: DeadLetters,
        chunks: JobChunks,
        maps: BucketMaps,
        planner: PlanMoves,
        presence: WorkerPresence,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._maps = maps
        self._planner = planner
        self._presence = presence
        self._clock = clock
        self._counts = EndedCounts(letters=letters, chunks=chunks)
        self._states = JobStates(jobs=jobs, clock=clock)

    def get(self, job_id: UUID) -> JobStatus:
        """With its history.

        :raises JobNotFound: there is no such job.
        :raises StoreUnavailable: the store does not answer.
        """
        move = self._maps.refresh().move
        job = self._jobs.get(job_id)
        if job is None:
            raise JobNotFound(f"there is no job {job_id}")
        if move is not None and move.id == job_id:
            return self._under_way(job, move)
        return self._status(self._settled(job))

    def of_move(self, move: Move) -> JobStatus | None:
        """None: it has no record yet."""
        job = self._jobs.get(move.id)
        return None if job is None else self._under_way(job, move)

    def page(self, before: UUID | None, limit: int) -> list[JobStatus]:
        """Those recorded before that one (None: all), newest first, without their histories. Past the first 20 that
        ended early, counts are those of the settled chunks.

        :raises StoreUnavailable: the store does not answer.
        """
        move = self._maps.refresh().move
        found, ended_early = [], 0
        for job in self._jobs.page(before, limit):
            if job.state.ended and (move is None or move.id != job.id):
                ended_early += job.state is not JobState.COMPLETED and job.kind not in MOVE_KINDS
                found.append(self._status(self._settled(job, all_chunks=ended_early <= _MAX_COUNTED)))
            else:
                # Another may have forgotten it since the page was read.
                with suppress(JobNotFound):
                    found.append(self._without_history(job.id))
        return found

    def results(self, job_id: UUID, first: int, limit: int) -> tuple[list[tuple[UUID, Result]], int | None]:
        """The assets of a job that were found to differ or given up, from its chunk `first` on, and where to
        go on (None: there are no more). What went well is counted, not kept.

        :raises JobNotFound: there is no such job.
        :raises StoreUnavailable: the store does not answer.
        """
        job = self.get(job_id).job
        settled = chunk_count(self._chunks, job) if job.state.ended else job.checkpoint.get("settled", 0)
        found: list[tuple[UUID, Result]] = []
        for number in range(first, min(settled, first + _CHUNKS_A_PAGE)):
            results = self._chunks.results(job_id, number)
            found += [(asset_id, result) for asset_id, result in results.items() if result.outcome in TOLD]
            if len(found) >= limit:
                return found, number + 1 if number + 1 < settled else None
        following = first + _CHUNKS_A_PAGE
        return found, following if following < settled else None

    def pause(self, job_id: UUID, caller: Principal) -> JobStatus:
        """Let it copy no more until it is resumed.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended, or is being cancelled.
        :raises StoreUnavailable: look before trying again.
        """
        status = self._running(job_id)
        if status.phase is Phase.CANCELLED:
            raise Conflict("too late to pause: it is being cancelled")
        if status.job.state is JobState.PAUSED:
            return status
        return self._now(job_id, self._states.pause(job_id, f"paused by {caller.name}"))

    def resume(self, job_id: UUID, caller: Principal) -> JobStatus:
        """:raises JobNotFound: there is no such job.
        :raises Conflict: it has ended.
        :raises StoreUnavailable: look before trying again.
        """
        status = self._running(job_id)
        if status.job.state is JobState.RUNNING:
            return status
        return self._now(job_id, self._states.resume(job_id, f"resumed by {caller.name}"))

    def set_rate(self, job_id: UUID, rate: float | None, caller: Principal) -> JobStatus:
        """Items a second from now on; None: as fast as it goes.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended.
        :raises StoreUnavailable: look before trying again.
        """
        status = self._running(job_id)
        if status.job.rate != rate:
            told = "as fast as it goes" if rate is None else f"{rate:g} a second"
            self._jobs.set_rate(job_id, rate, Note(self._clock.now_ms(), f"rate set by {caller.name}: {told}"))
        return self.get(job_id)

    def cancel(self, job_id: UUID, caller: Principal) -> JobStatus:
        """Cancel the job. A move is undone, and is cancelled once its record says so. Any other job stops; what it has
        done stays done.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended, or it is too late.
        :raises StoreUnavailable: look before trying again.
        """
        status = self.get(job_id)
        if status.job.state is JobState.CANCELLED:
            return status
        self._require_running(status)
        if status.job.kind in MOVE_KINDS:
            self._planner.cancel(job_id, caller)
            # Going back copies nothing, but may remove what was copied.
            self._states.resume(job_id, "")
            return self.get(job_id)
        self._states.cancel(job_id, f"cancelled by {caller.name}")
        status = self.get(job_id)
        if status.job.state is not JobState.CANCELLED:
            raise _has_ended(status.job)
        return status

    def _running(self, job_id: UUID) -> JobStatus:
        return self._require_running(self.get(job_id))

    def _require_running(self, status: JobStatus) -> JobStatus:
        if status.job.state.ended:
            raise _has_ended(status.job)
        return status

    def _now(self, job_id: UUID, done: bool) -> JobStatus:
        """The job after a change that was `done`, or came too late if it has ended, or was not needed."""
        status = self.get(job_id)
        return status if done else self._require_running(status)

    def _without_history(self, job_id: UUID) -> JobStatus:
        status = self.get(job_id)
        return replace(status, job=replace(status.job, history=()))

    def _settled(self, job: Job, *, all_chunks: bool = True) -> Job:
        """The job, whose move was not in the map before its record was read."""
        if job.kind not in MOVE_KINDS:
            return self._counts.counted(job, all_chunks=all_chunks) if job.state.ended else job
        if job.state.ended:
            return job
        if self._clock.now_ms() - created_ms(job.id) < _BEGINNING_MS:
            return job
        self._states.end(job.id, JobState.FAILED, _NEVER_BEGAN)
        return self._jobs.get(job.id) or job

    def _status(self, job: Job) -> JobStatus:
        is_stopped = job.state is not JobState.RUNNING or job.kind in MOVE_KINDS
        return JobStatus(_without_speed(job), None, () if is_stopped else self._presence.missing(*workers_of(job.kind)))

    def _under_way(self, job: Job, move: Move) -> JobStatus:
        """A record that says it has ended is a moment ahead of the map, in which the next move has no place yet."""
        job = replace(job, state=JobState.RUNNING, ended_ms=None) if job.state.ended else job
        waits_for = self._presence.missing(*workers_of(move.kind)) if job.state is JobState.RUNNING else ()
        return JobStatus(_without_speed(job), move.phase, waits_for)


def _has_ended(job: Job) -> Conflict:
    return Conflict(f"the job has ended: {job.state}")


def _without_speed(job: Job) -> Job:
    """A job that does not run has no speed, whatever was recorded when it last ran."""
    if job.state is JobState.RUNNING or not job.progress:
        return job
    return replace(job, progress={**job.progress, "rate": None, "remaining_s": None})
