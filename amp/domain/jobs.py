"""Jobs: operations that take a while, each with a durable record."""

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
        """For good: no state follows."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def open_states(expected: JobState | None = None) -> tuple[JobState, ...]:
    """The states that a job may leave; only `expected` if it is given, and none if that is an end."""
    return tuple(state for state in JobState if not state.ended and expected in (None, state))


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a job's history."""

    at_ms: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    id: UUID  #: a time-UUID: when it was asked for
    kind: str
    parameters: Mapping[str, Any]  #: JSON values
    requested_by: str
    state: JobState = JobState.RUNNING
    reason: str = ""  #: of a failure, or why it was cancelled
    ended_ms: int | None = None
    rate: float | None = None  #: items a second; None: unthrottled
    progress: Mapping[str, Any] = field(default_factory=dict)  #: JSON values, for people
    checkpoint: Mapping[str, Any] = field(default_factory=dict)  #: JSON values, for whoever resumes it
    history: tuple[Note, ...] = ()

    @property
    def dry_run(self) -> bool:
        """It changes nothing, and counts what would change."""
        return bool(self.parameters.get("dry_run"))
