"""Changes the state of jobs."""

from dataclasses import dataclass
from uuid import UUID

from amp.domain.jobs import JobState, Note, NoteKind
from amp.ports.clock import Clock
from amp.ports.job_log import JobUpdates


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStates:
    """Pauses, resumes, cancels and ends jobs in their records. Every change is one compare-and-set together with its
    note in the history, so the second of two concurrent changes sees the first. An end is final.
    """

    jobs: JobUpdates
    clock: Clock

    def pause(self, job_id: UUID, note: str) -> bool:
        """Pause a running job. Return whether it was running."""
        return self._change(job_id, JobState.PAUSED, (NoteKind.PAUSED, note), expected=JobState.RUNNING)

    def resume(self, job_id: UUID, note: str | None) -> bool:
        """Resume a paused job. Return whether it was paused.

        :param note: text for the history; None: nothing is noted.
        """
        noted = None if note is None else (NoteKind.RESUMED, note)
        return self._change(job_id, JobState.RUNNING, noted, expected=JobState.PAUSED)

    def cancel(self, job_id: UUID, note: str) -> bool:
        """Cancel a job. Return whether it had not ended."""
        return self._change(job_id, JobState.CANCELLED, (NoteKind.CANCELLED, note))

    def end(self, job_id: UUID, state: JobState, reason: str = "", *, note: str | None = None) -> bool:
        """End a job. Return whether it had not ended.

        :param note: text for the history (default: the state and the reason).
        """
        text = f"{state}: {reason}" if reason else str(state)
        return self._change(job_id, state, (NoteKind.ENDED, text if note is None else note), reason=reason)

    def _change(
        self,
        job_id: UUID,
        state: JobState,
        note: tuple[NoteKind, str] | None,
        *,
        expected: JobState | None = None,
        reason: str = "",
    ) -> bool:
        """Set the state.

        :raises StoreUnavailable: the outcome is unknown; read the job before retrying.
        """
        now_ms = self.clock.now_ms()
        ended_ms = now_ms if state.ended else None
        noted = None if note is None else Note(now_ms, *note)
        return self.jobs.set_state(job_id, state, expected=expected, reason=reason, ended_ms=ended_ms, note=noted)
