"""Dead letters in requests and responses."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from amp.api.models.values import Id, Ids, Strict, Time
from amp.errors import Unprocessable
from amp.services.jobs.dead_letters import DeadLetterFilter

MAX_IDS = 10_000


class DeadLetterSelection(Strict):
    """Selects the dead letters that meet every given condition."""

    all: Literal[True] | None = Field(
        None, description="Selects all dead letters. It cannot be combined with conditions."
    )
    ids: Ids | None = Field(None, min_length=1, max_length=MAX_IDS, description="Dead letters with these ids.")
    job: Id | None = Field(None, description="Dead letters of this job.")
    reason: str | None = Field(None, min_length=1, description="Dead letters whose reason contains this text.")

    @model_validator(mode="after")
    def _has_one_form(self) -> "DeadLetterSelection":
        given = [name for name in ("ids", "job", "reason") if getattr(self, name) is not None]
        if not given and not self.all:
            raise ValueError("selects nothing; use all, ids, job or reason")
        if given and self.all:
            raise ValueError(f"all cannot be combined with {', '.join(given)}")
        return self

    def dead_letter_filter(self) -> DeadLetterFilter:
        """:raises Unprocessable: an id is not valid; the error has its place."""
        ids = None if self.ids is None else [_uuid(text, f"/ids/{i}") for i, text in enumerate(self.ids)]
        job_id = None if self.job is None else _uuid(self.job, "/job")
        return DeadLetterFilter(ids=ids, job_id=job_id, reason=self.reason)


class DeadLetterOut(BaseModel):
    """A message that no further attempt can process until the cause is fixed."""

    id: Id
    topic: str
    job: Id | None = Field(description="The job that the message belongs to; null: it is from live traffic.")
    asset: Id | None = Field(description="The asset of the message; null: the message cannot be parsed.")
    reason: str
    detail: str = Field(description="A stack trace, if there is one.")
    attempts: int = Field(description="Number of times that the message became a dead letter.")
    first_at: Time = Field(description="When it first became a dead letter.")
    last_at: Time = Field(description="When it last became a dead letter.")
    payload: str = Field(description="The message itself.")


class DeadLetterList(BaseModel):
    """One page of dead letters, newest first. It may be short, even empty, although there are further pages."""

    items: list[DeadLetterOut]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


class KeptDeadLetters(BaseModel):
    """The number of dead letters that cannot be replayed for one reason."""

    reason: str
    count: int


class Replayed(BaseModel):
    """The result of a replay."""

    replayed: int = Field(description="Number of dead letters that were sent to the workers again.")
    kept: list[KeptDeadLetters] = Field(description="Dead letters that are kept because they cannot be replayed.")


class Discarded(BaseModel):
    """The result of discarding dead letters."""

    discarded: int = Field(description="Number of dead letters that were removed.")


def _uuid(text: str, pointer: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as e:
        detail = f"{text[:64]!r} is not a UUID"
        raise Unprocessable.at(pointer, detail) from e
