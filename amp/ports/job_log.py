"""Durable records of jobs: what they do, how far they are, and how they ended."""

from typing import Protocol
from uuid import UUID

from amp.domain.jobs import Checkpoint, Job, JobProgress, JobState, Note


class JobRecords(Protocol):
    """Adds, reads and removes the records of jobs."""

    def add(self, job: Job) -> None:
        """Store a new job. Its id is a time-UUID, by which jobs are ordered. Adding the same job again changes nothing.

        :raises StoreUnavailable: it may be stored; add it again.
        """
        ...

    def get(self, job_id: UUID) -> Job | None:
        """Return the job with its history; None if there is none with this id.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        """Return up to `limit` jobs that were submitted before the job `before` (None: from the newest), newest first,
        without their histories.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def open(self) -> list[Job]:
        """Return the jobs that have not ended, oldest first, without their histories.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID) -> None:
        """Remove an ended job and its history. Do nothing if there is none with this id.

        :raises StoreUnavailable: it may remain.
        """
        ...


class JobUpdates(Protocol):
    """Changes the records of jobs that have not ended."""

    def save_progress(
        self,
        job_id: UUID,
        progress: JobProgress,
        checkpoint: Checkpoint,
        *,
        expected: Checkpoint | None = None,
    ) -> bool:
        """Store how far the job is: `progress` for people to read, `checkpoint` for the worker that resumes the job.
        This is a compare-and-set if `expected` is given: the checkpoint as it was read or saved last.

        Return False, and change nothing, if the checkpoint is not the expected one, or if the job has ended or does not
        exist.

        :raises StoreUnavailable: the progress may not be stored.
        """
        ...

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
        """Change the state and append `note` to the history, in one step, if the job is in the state `expected` (None:
        if it has not ended).

        Return False, and change nothing, if the job is in another state or does not exist.

        :raises StoreUnavailable: the state may not be changed.
        """
        ...

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        """Change the rate, in items per second (None: unlimited), and append `note` to the history, in one step. Return
        False, and change nothing, if the job has ended or does not exist.

        :raises StoreUnavailable: the rate may not be changed.
        """
        ...

    def note(self, job_id: UUID, note: Note) -> None:
        """Append a note to the job's history. Appending the same note twice stores it once.

        :raises StoreUnavailable: the note may be missing.
        """
        ...


class JobLog(JobRecords, JobUpdates, Protocol):
    """Progress and control are separate, so that a worker that saves its progress never undoes an operator's request.

    A job that has ended never changes again.
    """
