"""Jobs: long-running operations, each with a durable record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class JobState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Return whether the state is final."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def open_states(expected: JobState | None = None) -> tuple[JobState, ...]:
    """Return the states that a job can leave. If `expected` is given, return it alone, or nothing if it is final."""
    return tuple(state for state in JobState if not state.ended and expected in (None, state))


@dataclass(frozen=True, slots=True)
class Note:
    """An entry in a job's history."""

    at_ms: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    id: UUID  #: a time-UUID with the time of submission
    kind: str
    parameters: Mapping[str, Any]  #: JSON values
    requested_by: str  #: name of the principal
    state: JobState = JobState.RUNNING
    reason: str = ""  #: why it failed or was cancelled
    ended_ms: int | None = None
    rate: float | None = None  #: items per second; None: unlimited
    progress: Mapping[str, Any] = field(default_factory=dict)  #: JSON values, for people to read
    checkpoint: Mapping[str, Any] = field(default_factory=dict)  #: JSON values, for the worker that resumes the job
    history: tuple[Note, ...] = ()

    @property
    def dry_run(self) -> bool:
        """Return whether the job changes nothing and counts what would change."""
        return bool(self.parameters.get("dry_run"))
