"""The one way in which the state of a job changes."""

from dataclasses import dataclass
from uuid import UUID

from amp.domain.jobs import JobState, Note
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStates:
    """Every change is one compare-and-set, so of two at once the second sees the first; an end is final. Its note
    is part of it: no change is without one in the history."""

    jobs: JobLog
    clock: Clock

    def pause(self, job_id: UUID, note: str) -> bool:
        """Whether this call did it: the job was running."""
        return self._change(job_id, JobState.PAUSED, note, expected=JobState.RUNNING)

    def resume(self, job_id: UUID, note: str) -> bool:
        """Whether this call did it: the job was paused."""
        return self._change(job_id, JobState.RUNNING, note, expected=JobState.PAUSED)

    def cancel(self, job_id: UUID, note: str) -> bool:
        """Whether this call did it: the job had not ended."""
        return self._change(job_id, JobState.CANCELLED, note)

    def end(self, job_id: UUID, state: JobState, reason: str = "", *, note: str | None = None) -> bool:
        """Whether this call did it: the job had not ended.

        :param note: for the history (default: the state and the reason).
        """
        told = f"{state}: {reason}" if reason else str(state)
        return self._change(job_id, state, told if note is None else note, reason=reason)

    def _change(
        self, job_id: UUID, state: JobState, note: str, *, expected: JobState | None = None, reason: str = ""
    ) -> bool:
        """:raises StoreUnavailable: the former state may still stand; read before trying again."""
        now_ms = self.clock.now_ms()
        ended_ms = now_ms if state.ended else None
        noted = Note(now_ms, note) if note else None
        return self.jobs.set_state(job_id, state, expected=expected, reason=reason, ended_ms=ended_ms, note=noted)
