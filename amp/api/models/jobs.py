"""Jobs in requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from amp.api.models.values import Id, Strict, Time
from amp.domain.jobs import JobState
from amp.domain.moves import Phase

#: Items a second; a job that makes one in ten seconds would never end.
_LEAST_RATE = 0.1
Rate = Annotated[float, Field(ge=_LEAST_RATE, le=1e9, allow_inf_nan=False)]
State = Literal["running", "paused", "completed", "failed", "cancelled"]
PhaseName = Literal["plan", "dual", "hold", "switched", "cancelled"]
assert (State.__args__, PhaseName.__args__) == (tuple(JobState), tuple(Phase))  # type: ignore[attr-defined]  # of Literal


class JobPatch(Strict):
    """What can be changed about a job while it runs."""

    rate: Rate | None = Field(description="Documents a second from now on; null: as fast as it goes.")


class ProgressOut(BaseModel):
    """How far a job is; null: not known (yet)."""

    phase: PhaseName | None = Field(description="Of a move under way.")
    documents: int | None = Field(description="How many there were to be copied at its beginning.")
    done: int | None = Field(description="How many of them are copied.")
    rate: float | None = Field(description="Documents copied a second, of late.")
    remaining_s: float | None = Field(description="Seconds until all are copied, about.")
    held_s: float | None = Field(description="For how long indexing of this range waited, at the switch.")


class NoteOut(BaseModel):
    """A line of a job's history."""

    at: Time
    text: str


class JobItem(BaseModel):
    """A job as lists show it."""

    id: Id
    kind: str
    state: State
    reason: str = Field(description="Of a failure; empty otherwise.")
    parameters: dict[str, Any]
    rate: float | None = Field(description="Documents a second that it may copy; null: as fast as it goes.")
    requested_by: str
    requested_at: Time
    ended_at: Time | None
    progress: ProgressOut


class JobOut(JobItem):
    """A job with its history."""

    history: list[NoteOut]


class JobList(BaseModel):
    """One page of jobs, newest first."""

    items: list[JobItem]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")
