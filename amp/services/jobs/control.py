"""Reports jobs, and pauses, resumes, throttles and cancels them."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol
from uuid import UUID

from amp.domain.chunks import REPORTED, ItemResult
from amp.domain.jobs import AssetJob, Job, JobState, Note, NoteKind
from amp.domain.principals import Principal
from amp.errors import Conflict, JobNotFound
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.services.jobs.ended_counts import EndedCounts, chunk_count
from amp.services.jobs.states import JobStates
from amp.services.jobs.workers import workers_of
from amp.services.runtime.presence import WorkerPresence

#: Jobs of one page whose unsettled chunks are read, up to about forty reads each.
_MAX_COUNTED = 20
_CHUNKS_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The job that a controller's worker runs now."""

    job_id: UUID
    phase: str
    is_being_cancelled: bool


class JobController(Protocol):
    """Controls jobs of the kinds that do not use chunks. Their own worker runs one of them at a time."""

    @property
    def kinds(self) -> Collection[str]: ...

    def under_way(self) -> UnderWay | None:
        """Return the job that runs now.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def settled(self, job: Job) -> Job:
        """Return the final record of a job that was not under way before its record was read. A job whose record is
        still open never began; it ends here.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def cancel(self, job_id: UUID, principal: Principal) -> None:
        """Begin to undo the job; its record says when that is complete.

        :raises JobNotFound, Conflict, StoreUnavailable: as `JobControl.cancel`.
        """
        ...


@dataclass(frozen=True, slots=True)
class JobStatus:
    job: Job
    under_way: UnderWay | None = None  #: of a job that has a controller
    waits_for: tuple[str, ...] = ()  #: kinds of workers that it needs and that do not run

    @property
    def phase(self) -> str | None:
        return None if self.under_way is None else self.under_way.phase


@dataclass(frozen=True, kw_only=True)
class JobControl:
    """Reports and controls all jobs. A controller alone says whether one of its jobs is under way. Such a job ends in
    its record first and with the controller second, so what is under way is read before the records.
    """

    jobs: JobLog
    dead_letters: DeadLetters
    chunks: JobChunks
    controllers: Sequence[JobController]
    presence: WorkerPresence
    clock: Clock

    @cached_property
    def _of_kind(self) -> dict[str, JobController]:
        return {kind: controller for controller in self.controllers for kind in controller.kinds}

    @cached_property
    def _counts(self) -> EndedCounts:
        return EndedCounts(dead_letters=self.dead_letters, chunks=self.chunks)

    @cached_property
    def _states(self) -> JobStates:
        return JobStates(jobs=self.jobs, clock=self.clock)

    def get(self, job_id: UUID, principal: Principal) -> JobStatus:  # noqa: ARG002
        """Return the job with its history.

        :raises JobNotFound: there is no such job.
        :raises StoreUnavailable: the store does not answer.
        """
        under_way = self._under_way()
        job = self.jobs.get(job_id)
        if job is None:
            raise JobNotFound(f"there is no job {job_id}")
        if job_id in under_way:
            return self._running_status(job, under_way[job_id])
        return self._status(self._settled(job))

    def of(self, under_way: UnderWay, principal: Principal) -> JobStatus | None:  # noqa: ARG002
        """Return the status of that job; None: it has no record yet.

        :raises StoreUnavailable: the store does not answer.
        """
        job = self.jobs.get(under_way.job_id)
        return None if job is None else self._running_status(job, under_way)

    def page(self, before: UUID | None, limit: int, principal: Principal) -> list[JobStatus]:
        """Return jobs recorded before that one (None: all), newest first, without their histories. Past the first 20
        that ended early, only settled chunks are counted.

        :raises StoreUnavailable: the store does not answer.
        """
        under_way = self._under_way()
        found, ended_early = [], 0
        for job in self.jobs.page(before, limit):
            if job.state.ended and job.id not in under_way:
                ended_early += job.state is not JobState.COMPLETED and job.kind not in self._of_kind
                found.append(self._status(self._settled(job, all_chunks=ended_early <= _MAX_COUNTED)))
            else:
                # Another process may have removed it since the page was read.
                with suppress(JobNotFound):
                    found.append(self._without_history(job.id, principal))
        return found

    def results(
        self, job_id: UUID, first: int, limit: int, principal: Principal
    ) -> tuple[list[tuple[UUID, ItemResult]], int | None]:
        """Return the assets of a job that differ or failed, from chunk `first` on, and the chunk at which the next page
        begins (None: there are no more). Assets without a problem are counted only.

        :raises JobNotFound: there is no such job.
        :raises StoreUnavailable: the store does not answer.
        """
        job = self.get(job_id, principal).job
        if not isinstance(job, AssetJob):
            return [], None
        settled = chunk_count(self.chunks, job) if job.state.ended else job.checkpoint.settled
        found: list[tuple[UUID, ItemResult]] = []
        for number in range(first, min(settled, first + _CHUNKS_A_PAGE)):
            results = self.chunks.results(job_id, number)
            found += [(asset_id, result) for asset_id, result in results.items() if result.outcome in REPORTED]
            if len(found) >= limit:
                return found, number + 1 if number + 1 < settled else None
        following = first + _CHUNKS_A_PAGE
        return found, following if following < settled else None

    def pause(self, job_id: UUID, principal: Principal) -> JobStatus:
        """Pause the job until it is resumed.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended, or is being cancelled.
        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        status = self._running(job_id, principal)
        if status.under_way is not None and status.under_way.is_being_cancelled:
            raise Conflict("too late to pause: it is being cancelled")
        if status.job.state is JobState.PAUSED:
            return status
        return self._now(job_id, self._states.pause(job_id, f"paused by {principal.name}"), principal)

    def resume(self, job_id: UUID, principal: Principal) -> JobStatus:
        """Resume the job if it is paused.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended.
        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        status = self._running(job_id, principal)
        if status.job.state is JobState.RUNNING:
            return status
        return self._now(job_id, self._states.resume(job_id, f"resumed by {principal.name}"), principal)

    def set_rate(self, job_id: UUID, rate: float | None, principal: Principal) -> JobStatus:
        """Set the rate in items per second. None: unlimited.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended.
        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        status = self._running(job_id, principal)
        if status.job.rate != rate:
            text = "unlimited" if rate is None else f"{rate:g} per second"
            note = Note(self.clock.now_ms(), NoteKind.RATE, f"rate set by {principal.name}: {text}")
            self.jobs.set_rate(job_id, rate, note)
        return self.get(job_id, principal)

    def cancel(self, job_id: UUID, principal: Principal) -> JobStatus:
        """Cancel the job. A move is undone and is cancelled once its record says so. Any other job stops; the changes
        that it has made stay.

        :raises JobNotFound: there is no such job.
        :raises Conflict: it has ended, or it cannot be undone any more.
        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        status = self.get(job_id, principal)
        if status.job.state is JobState.CANCELLED:
            return status
        self._require_running(status)
        if (controller := self._of_kind.get(status.job.kind)) is not None:
            controller.cancel(job_id, principal)
            # Undoing copies nothing, but may remove what was copied.
            self._states.resume(job_id, None)
            return self.get(job_id, principal)
        self._states.cancel(job_id, f"cancelled by {principal.name}")
        status = self.get(job_id, principal)
        if status.job.state is not JobState.CANCELLED:
            raise _has_ended(status.job)
        return status

    def _running(self, job_id: UUID, principal: Principal) -> JobStatus:
        return self._require_running(self.get(job_id, principal))

    def _require_running(self, status: JobStatus) -> JobStatus:
        if status.job.state.ended:
            raise _has_ended(status.job)
        return status

    def _now(self, job_id: UUID, done: bool, principal: Principal) -> JobStatus:
        """Return the job after a request that was `done`, was not needed, or came after its end."""
        status = self.get(job_id, principal)
        return status if done else self._require_running(status)

    def _without_history(self, job_id: UUID, principal: Principal) -> JobStatus:
        status = self.get(job_id, principal)
        return replace(status, job=replace(status.job, history=()))

    def _under_way(self) -> dict[UUID, UnderWay]:
        found = [controller.under_way() for controller in self.controllers]
        return {job.job_id: job for job in found if job is not None}

    def _settled(self, job: Job, *, all_chunks: bool = True) -> Job:
        """Return the job, which was not under way before its record was read, as settled by its controller."""
        if (controller := self._of_kind.get(job.kind)) is not None:
            return controller.settled(job)
        if not isinstance(job, AssetJob) or not job.state.ended:
            return job
        return self._counts.counted(job, all_chunks=all_chunks)

    def _status(self, job: Job) -> JobStatus:
        is_stopped = job.state is not JobState.RUNNING or job.kind in self._of_kind
        waits_for = () if is_stopped else self.presence.missing(*workers_of(job.kind))
        return JobStatus(_without_speed(job), None, waits_for)

    def _running_status(self, job: Job, under_way: UnderWay) -> JobStatus:
        """A record that has ended is ahead of its controller for a moment, in which no other job may begin."""
        job = replace(job, state=JobState.RUNNING, ended_ms=None) if job.state.ended else job
        waits_for = self.presence.missing(*workers_of(job.kind)) if job.state is JobState.RUNNING else ()
        return JobStatus(_without_speed(job), under_way, waits_for)


def _has_ended(job: Job) -> Conflict:
    return Conflict(f"the job has ended: {job.state}")


def _without_speed(job: Job) -> Job:
    """Return the job without its speed unless it runs. A job that does not run has no speed, even if its record still
    has the last one.
    """
    if job.state is JobState.RUNNING:
        return job
    return replace(job, progress=replace(job.progress, rate=None, remaining_s=None))
