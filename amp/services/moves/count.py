"""A job log for movers that counts moved documents for the metrics."""

from uuid import UUID

from amp.domain.jobs import Checkpoint, Job, JobProgress, JobState, Note
from amp.metrics import Metrics
from amp.ports.job_log import JobLog


class MoveMetrics:
    """A `JobLog`. A mover reads a job before it saves progress, so the work of other movers is not counted again."""

    def __init__(self, jobs: JobLog, metrics: Metrics) -> None:
        self._jobs = jobs
        self._metrics = metrics
        self._known: tuple[UUID | None, JobProgress] = (None, JobProgress())

    def add(self, job: Job) -> None:
        self._jobs.add(job)

    def get(self, job_id: UUID) -> Job | None:
        job = self._jobs.get(job_id)
        if job is not None and self._known[0] != job_id:
            self._known = job_id, job.progress
        return job

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        return self._jobs.page(before, limit)

    def open(self) -> list[Job]:
        return self._jobs.open()

    def forget(self, job_id: UUID) -> None:
        self._jobs.forget(job_id)

    def save_progress(
        self,
        job_id: UUID,
        progress: JobProgress,
        checkpoint: Checkpoint,
        *,
        expected: Checkpoint | None = None,
    ) -> bool:
        if not self._jobs.save_progress(job_id, progress, checkpoint, expected=expected):
            return False
        known = self._known[1] if self._known[0] == job_id else JobProgress()
        self._metrics.documents_moved.inc(max(0, (progress.done or 0) - (known.done or 0)))
        if progress.held_s is not None and known.held_s is None:
            self._metrics.hold_seconds.observe(progress.held_s)
        self._known = job_id, progress
        return True

    def set_state(
        self,
        job_id: UUID,
        state: JobState,
        *,
        expected: JobState | None = None,
        reason: str = "",
        ended_ms: int | None = None,
        note: Note | None = None,
    ) -> bool:
        return self._jobs.set_state(job_id, state, expected=expected, reason=reason, ended_ms=ended_ms, note=note)

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        return self._jobs.set_rate(job_id, rate, note)

    def note(self, job_id: UUID, note: Note) -> None:
        self._jobs.note(job_id, note)
