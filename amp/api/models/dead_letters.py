"""Dead letters in requests and answers."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from amp.api.models.values import Id, Ids, Strict, Time
from amp.errors import Unprocessable
from amp.services.jobs.dead_letters import DeadLetterFilter

MAX_IDS = 10_000


class WhichLetters(Strict):
    """Which dead letters: those that meet every condition given."""

    all: Literal[True] | None = Field(None, description="Every one; stands alone.")
    ids: Ids | None = Field(None, min_length=1, max_length=MAX_IDS, description="With these ids.")
    job: Id | None = Field(None, description="Of this job.")
    reason: str | None = Field(None, min_length=1, description="Whose reason contains this text.")

    @model_validator(mode="after")
    def _says_something(self) -> "WhichLetters":
        given = [name for name in ("ids", "job", "reason") if getattr(self, name) is not None]
        if not given and not self.all:
            raise ValueError("names none: give all, ids, job or reason")
        if given and self.all:
            raise ValueError(f"all stands alone, but {', '.join(given)} is given as well")
        return self

    def which(self) -> DeadLetterFilter:
        """:raises Unprocessable: with the place of an id that is none."""
        ids = None if self.ids is None else [_uuid(text, f"/ids/{i}") for i, text in enumerate(self.ids)]
        job_id = None if self.job is None else _uuid(self.job, "/job")
        return DeadLetterFilter(ids=ids, job_id=job_id, reason=self.reason)


class LetterOut(BaseModel):
    """A message that was put aside."""

    id: Id
    topic: str
    job: Id | None = Field(description="Whose work it was; null: that of live traffic.")
    asset: Id | None = Field(description="Null: it cannot be read as a message.")
    reason: str
    detail: str = Field(description="A stack trace, where there is one.")
    attempts: int = Field(description="How often it was put aside.")
    first_at: Time
    last_at: Time
    payload: str = Field(description="The message itself.")


class LetterList(BaseModel):
    """One page of dead letters, newest first. It may be short while there is a cursor."""

    items: list[LetterOut]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")


class KeptLetters(BaseModel):
    """Dead letters that cannot be replayed."""

    reason: str
    count: int


class Replayed(BaseModel):
    """What was sent again."""

    replayed: int = Field(description="How many are with the workers again.")
    kept: list[KeptLetters] = Field(description="Those that cannot be replayed, and stay.")


class Discarded(BaseModel):
    """What was forgotten."""

    discarded: int


def _uuid(text: str, pointer: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as e:
        detail = f"{text[:64]!r} is no id"
        raise Unprocessable.at(pointer, detail) from e
