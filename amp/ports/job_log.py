"""Durable records of operations that take a while: what they are, how far they are, how they ended."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from amp.domain.jobs import Job, JobState, Note


class JobLog(Protocol):
    """Progress and control are kept apart, so that a worker's save never takes back what an operator asked for.

    A job that has ended never changes again.
    """

    def add(self, job: Job) -> None:
        """Keep a new job; its id is a time-UUID, by which jobs are listed. Adding the same job again changes nothing.

        :raises StoreUnavailable: it may be there; add it again.
        """
        ...

    def get(self, job_id: UUID) -> Job | None:
        """:raises StoreUnavailable: the store does not answer."""
        ...

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        """Jobs that began before that one (None: all), newest first, without their histories.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def open(self) -> list[Job]:
        """Those that have not ended, oldest first, without their histories.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID) -> None:
        """Remove an ended job and its history; nothing if it is gone.

        :raises StoreUnavailable: it may still be there.
        """
        ...

    def save_progress(
        self,
        job_id: UUID,
        progress: Mapping[str, Any],
        checkpoint: Mapping[str, Any],
        *,
        expected: Mapping[str, Any] | None = None,
    ) -> bool:
        """How far it is, in JSON values: `progress` for people, `checkpoint` for whoever resumes it; in one step if the
        checkpoint is `expected`, as it was read or saved (None: whatever it is).

        False: it is another, or the job has ended or is gone, and nothing changed.

        :raises StoreUnavailable: the former may still stand.
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
        """Change the state in one step if the job is in the state `expected` (None: if it has not ended), and append
        the note to its history in the same step.

        False: it is in another state, or gone, and nothing changed.

        :raises StoreUnavailable: the former may still stand.
        """
        ...

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        """Change the rate, and append the note to the history in the same step. False: the job has ended or is gone,
        and nothing changed.

        :raises StoreUnavailable: the former may still stand.
        """
        ...

    def note(self, job_id: UUID, at_ms: int, text: str) -> None:
        """Append to its history; the same note twice is one.

        :raises StoreUnavailable: it may be missing.
        """
        ...
