"""Time buckets in requests and answers, and what can be asked to be done to them."""

from typing import Literal

from pydantic import BaseModel, Field

from amp.api.models.jobs import PhaseName, Rate, State
from amp.api.models.values import Id, Strict, Time, TimeGiven
from amp.domain.times import parse_ms
from amp.errors import Unprocessable

_MAX_STARTS = 1_000
Kind = Literal["roll", "split", "merge", "rebuild"]


class RebuildIn(Strict):
    """How fast documents may move, and whether to move them or only tell."""

    rate: Rate | None = Field(
        None, description="Documents a second; null: as fast as it goes. Left out, the setting AMP_MOVE_RATE."
    )
    dry_run: bool = Field(False, description="Only tell what would move.")

    def rate_or(self, usual: float) -> float | None:
        return self.rate if "rate" in self.model_fields_set else usual


class SplitIn(RebuildIn):
    """Where to split."""

    at: TimeGiven | None = Field(
        None, description="Where the new bucket begins, a whole second. Left out, half of the documents move."
    )

    def at_s(self) -> int | None:
        """:raises Unprocessable: it is no time at which a bucket can begin."""
        return None if self.at is None else _whole_second(self.at, "/at")


class RollIn(SplitIn):
    """When the next bucket begins."""

    at: TimeGiven | None = Field(
        None, description="A whole second in the future. Left out, as far ahead as AMP_BUCKET_ROLL_LEAD_S says."
    )


class MergeIn(RebuildIn):
    """What to merge with."""

    next: str | None = Field(None, description="The name of the next bucket in time, to make sure that it is the one.")


class InitIn(RebuildIn):
    """Where buckets should begin."""

    at: list[TimeGiven] = Field(
        description="Whole seconds; those at which a bucket begins already are left alone.",
        min_length=1,
        max_length=_MAX_STARTS,
    )

    def starts_s(self) -> set[int]:
        """:raises Unprocessable: one of them is no time at which a bucket can begin."""
        return {_whole_second(at, f"/at/{i}") for i, at in enumerate(self.at)}


class ReconcileIn(Strict):
    """Whether to do something about it."""

    heal: bool = Field(False, description="Heal what can be healed safely, rather than only report.")


class MoveOut(BaseModel):
    """What is being done to a bucket; null: not known (yet)."""

    job: Id
    kind: Kind
    phase: PhaseName
    state: State | None = Field(description="Of its job: `paused` if nothing is copied until it is resumed.")
    documents: int | None = Field(description="How many there were to be copied at its beginning.")
    done: int | None = Field(description="How many of them are copied.")
    rate: float | None = Field(description="Documents copied a second, of late.")
    remaining_s: float | None = Field(description="Seconds until all are copied, about.")


class BucketOut(BaseModel):
    """A time bucket: every document of every asset created in `[start, end)`."""

    name: str = Field(description="Its start as `yyyyMMddHHmmss`, UTC.")
    start: Time
    end: Time | None = Field(description="Null: the newest.")
    index: str
    state: Literal["open", "rolling", "splitting", "merging", "rebuilding", "incomplete", "lost"] = Field(
        description="`incomplete`: documents were lost with a former index; `lost`: the index is gone."
    )
    documents: int = Field(description="In the index, deleted ones not counted.")
    bytes: int = Field(description="Of primaries.")
    share: float = Field(
        description="Of the size at which the newest bucket is followed by another, or any other is split."
    )
    move: MoveOut | None


class BucketList(BaseModel):
    """One page of the bucket map, in order of time."""

    generation: int = Field(description="Of the map; every change of it counts up.")
    items: list[BucketOut]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")


class PlanOut(BaseModel):
    """What would be done."""

    kind: Kind
    bucket: str
    start: Time = Field(description="Documents of assets created from here on would move …")
    end: Time | None = Field(description="… up to here, exclusive; null: all that are newer.")
    documents: int
    bytes: int = Field(description="About.")
    rate: float | None = Field(description="Documents a second; null: as fast as it goes.")
    seconds: float | None = Field(description="About, for the copying at that rate; null: as fast as it goes.")


class LayoutOut(BaseModel):
    """How far a layout is."""

    job: Id | None = Field(description="Opens the first of `missing`; null: nothing is being done.")
    missing: list[Time] = Field(description="Times at which no bucket begins yet, in the order they are opened.")


class FindingOut(BaseModel):
    """Something that is not as the bucket map says."""

    index: str
    problem: str
    healed: bool


class Findings(BaseModel):
    """What disagrees with the bucket map."""

    items: list[FindingOut]
    incomplete_buckets: list[str] = Field(
        description="Buckets whose index was lost and of which not all documents are indexed again."
    )
    job: Id | None = Field(description="The move under way, while which nothing is looked at.")


def _whole_second(text: str, pointer: str) -> int:
    try:
        ms = parse_ms(text)
        if ms % 1000:
            raise ValueError(f"{text[:64]!r} is not a whole second")
        if ms <= 0:
            raise ValueError(f"{text[:64]!r} is not after 1970 began: there is a bucket from then on already")
    except ValueError as e:
        raise Unprocessable.at(pointer, str(e)) from e
    return ms // 1000
