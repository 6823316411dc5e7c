"""Time buckets and their moves in requests and responses."""

from typing import Literal

from pydantic import BaseModel, Field

from amp.api.models.jobs import PhaseName, Rate, State
from amp.api.models.values import Id, Strict, Time, TimeIn
from amp.domain.times import parse_ms
from amp.errors import Unprocessable

_MAX_STARTS = 1_000
Kind = Literal["roll", "split", "merge", "rebuild"]


class RebuildIn(Strict):
    """A rebuild of a bucket."""

    rate: Rate | None = Field(
        None,
        description="Maximum number of documents to copy per second; null: unlimited. If omitted, the setting "
        "AMP_MOVE_RATE applies.",
    )
    dry_run: bool = Field(False, description="Report what would move, without moving it.")

    def rate_or(self, default: float) -> float | None:
        """Return the rate; None: unlimited. The default applies only if the rate is omitted."""
        return self.rate if "rate" in self.model_fields_set else default


class SplitIn(RebuildIn):
    """A split of a bucket."""

    at: TimeIn | None = Field(
        None, description="Start of the new bucket, a whole second. If omitted, half of the documents move."
    )

    def at_s(self) -> int | None:
        """Return the start of the new bucket, in seconds since 1970; None: it is omitted.

        :raises Unprocessable: a bucket cannot start at that time.
        """
        return None if self.at is None else _whole_second(self.at, "/at")


class RollIn(SplitIn):
    """The opening of the next bucket."""

    at: TimeIn | None = Field(
        None,
        description="Start of the new bucket, a whole second in the future. If omitted, the setting "
        "AMP_BUCKET_ROLL_LEAD_S says how far ahead it is.",
    )


class MergeIn(RebuildIn):
    """A merge of a bucket with the next one."""

    next: str | None = Field(
        None,
        description="The expected name of the next bucket in time. If that bucket has another name, the request fails.",
    )


class InitIn(RebuildIn):
    """The opening of several buckets."""

    at: list[TimeIn] = Field(
        description="Starts of buckets, whole seconds. Times at which a bucket already starts are ignored.",
        min_length=1,
        max_length=_MAX_STARTS,
    )

    def starts_s(self) -> set[int]:
        """Return the starts, in seconds since 1970.

        :raises Unprocessable: a bucket cannot start at one of the times.
        """
        return {_whole_second(at, f"/at/{i}") for i, at in enumerate(self.at)}


class ReconcileIn(Strict):
    """A comparison of the bucket map with the search index."""

    heal: bool = Field(False, description="Repair what can be repaired safely, instead of only reporting it.")


class MoveOut(BaseModel):
    """The move of a bucket that is in progress. Null members are not known (yet)."""

    job: Id
    kind: Kind
    phase: PhaseName
    state: State | None = Field(
        description="The state of the move's job. If it is `paused`, nothing is copied until the job is resumed."
    )
    documents: int | None = Field(description="Number of documents to copy, counted when the move began.")
    done: int | None = Field(description="Number of documents that are copied.")
    rate: float | None = Field(description="Documents copied per second, recently.")
    remaining_s: float | None = Field(description="Approximate time until all documents are copied, in seconds.")


class BucketOut(BaseModel):
    """A time bucket, which contains all documents of the assets that were created in `[start, end)`."""

    name: str = Field(description="The start of the bucket as `yyyyMMddHHmmss`, UTC.")
    start: Time
    end: Time | None = Field(description="The end of the bucket, exclusive; null: it is the newest bucket.")
    index: str
    state: Literal["open", "rolling", "splitting", "merging", "rebuilding", "incomplete", "lost"] = Field(
        description="`incomplete`: documents were lost with a former index; `lost`: the index is gone."
    )
    documents: int = Field(description="Number of documents in the index, without deleted ones.")
    bytes: int = Field(description="Size of the primary shards of the index, in bytes.")
    share: float = Field(
        description="The size relative to the one at which a new bucket follows the newest one, or any other is split."
    )
    move: MoveOut | None


class BucketList(BaseModel):
    """One page of the bucket map, in chronological order."""

    generation: int = Field(description="The number of the bucket map, which every change of the map increases.")
    items: list[BucketOut]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


class PlanOut(BaseModel):
    """A preview of a move."""

    kind: Kind
    bucket: str
    start: Time = Field(description="Documents of assets created at this time or later would move.")
    end: Time | None = Field(
        description="Documents of assets created at this time or later would not move; null: there is no such limit."
    )
    documents: int
    bytes: int = Field(description="Approximate size of the documents, in bytes.")
    rate: float | None = Field(description="Maximum number of documents to copy per second; null: unlimited.")
    seconds: float | None = Field(
        description="Approximate time to copy the documents at that rate, in seconds; null: the rate is unlimited."
    )


class LayoutOut(BaseModel):
    """The progress of a layout."""

    job: Id | None = Field(
        description="The job that opens the first of the `missing` buckets; null: no job was started."
    )
    missing: list[Time] = Field(
        description="The times at which no bucket starts yet, in the order in which the buckets are opened."
    )


class FindingOut(BaseModel):
    """A difference between the bucket map and the search index."""

    index: str
    problem: str
    healed: bool


class Findings(BaseModel):
    """The differences between the bucket map and the search index."""

    items: list[FindingOut]
    incomplete_buckets: list[str] = Field(
        description="Buckets whose index was lost and of which not all documents are indexed again."
    )
    job: Id | None = Field(description="The job of the move in progress, during which nothing is compared.")


def _whole_second(text: str, pointer: str) -> int:
    try:
        ms = parse_ms(text)
        if ms % 1000:
            raise ValueError(f"{text[:64]!r} is not a whole second")
        if ms <= 0:
            raise ValueError(f"{text[:64]!r} is not after the start of 1970, at which the first bucket always starts")
    except ValueError as e:
        raise Unprocessable.at(pointer, str(e)) from e
    return ms // 1000
