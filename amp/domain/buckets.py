"""The bucket map: the sorted list of time buckets that decides, from an id alone, where an asset is indexed."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from amp.domain.ids import created_ms
from amp.domain.moves import Move, MoveKind, move_from_json, move_json
from amp.errors import InvalidId


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """An index that holds every document of every asset created in `[start_s, next bucket's start)`."""

    start_s: int  #: whole seconds since 1970
    index: str
    token: int  #: the map generation that introduced the current way of writing this bucket
    #: The map generation that found the last loss of documents which are not all back yet; 0: all are there.
    loss_generation: int = 0

    @property
    def incomplete(self) -> bool:
        """Documents of it were lost with a former index, and not all are back yet."""
        return self.loss_generation > 0

    @property
    def name(self) -> str:
        return bucket_name(self.start_s)

    @property
    def write_alias(self) -> str:
        return write_alias(self.index, self.token)


@dataclass(frozen=True, kw_only=True)
class BucketMap:
    """The buckets in order of their start, the first at 1970, so that every id has a bucket."""

    generation: int
    buckets: tuple[Bucket, ...]
    move: Move | None = None  #: at most one at a time
    _starts_ms: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [bucket.start_s * 1000 for bucket in self.buckets]
        if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            raise ValueError("a bucket map starts at 1970 and its starts increase")
        object.__setattr__(self, "_starts_ms", starts)

    def bucket_at(self, created_ms: int) -> Bucket:
        """The bucket of assets created at `created_ms`; one binary search."""
        return self.buckets[bisect_right(self._starts_ms, created_ms) - 1]

    def write_aliases(self, created_ms: int) -> tuple[str, ...]:
        """Every alias a document of an asset created then must be written through, all in one bulk; that of the index
        which searches see comes first."""
        bucket, move = self.bucket_at(created_ms), self.move
        if move is None or bucket.index != move.source or not (move.writes_both and move.covers(created_ms)):
            return (bucket.write_alias,)
        return bucket.write_alias, write_alias(move.target, bucket.token)

    def aliases_of(self, asset_id: UUID) -> tuple[str, ...]:
        """As `write_aliases`, for an asset; none if no asset has such an id."""
        try:
            return self.write_aliases(created_ms(asset_id))
        except InvalidId:
            return ()

    @property
    def incomplete(self) -> tuple[Bucket, ...]:
        """The buckets whose documents are not all there."""
        return tuple(bucket for bucket in self.buckets if bucket.incomplete)

    @property
    def min_searched(self) -> int:
        """How many buckets searches see at least: a merge makes one of two before the map says so."""
        merges = self.move is not None and self.move.kind is MoveKind.MERGE
        return len(self.buckets) - merges

    def bucket_of(self, index: str) -> Bucket | None:
        """The bucket whose documents that index holds; None if it is no bucket's (yet, or any more)."""
        return next((bucket for bucket in self.buckets if bucket.index == index), None)

    def end_s(self, bucket: Bucket) -> int | None:
        """Where the bucket ends, exclusive; None for the newest."""
        position = self.buckets.index(bucket) + 1
        return self.buckets[position].start_s if position < len(self.buckets) else None

    def end_ms(self, position: int) -> int | None:
        """Where the bucket at `position` ends, in milliseconds, exclusive; None for the newest."""
        return self._starts_ms[position + 1] if position + 1 < len(self.buckets) else None


def bucket_name(start_s: int) -> str:
    """`yyyyMMddHHmmss` in UTC."""
    return datetime.fromtimestamp(start_s, UTC).strftime("%Y%m%d%H%M%S")


def index_name(prefix: str, start_s: int, generation: int) -> str:
    """`<prefix>-<name>-<generation>`: the generation keeps any index name from being used twice."""
    return f"{prefix}-{bucket_name(start_s)}-{generation}"


def write_alias(index: str, token: int) -> str:
    return f"{index}-w{token}"


def index_of(alias: str) -> str:
    """The index that a write alias leads to."""
    return alias.rpartition("-w")[0]


def token_of(alias: str) -> int:
    """The token that a write alias carries. Negative for the placeholder aliases of `IndexAliases`."""
    return int(alias.rpartition("-w")[2])


def incomplete_text(names: Sequence[str]) -> str:
    """What to tell people of these buckets, of which there is at least one."""
    listed = ", ".join(names)
    if len(names) == 1:
        return f"bucket {listed} is incomplete: some of its documents are not indexed yet"
    return f"buckets {listed} are incomplete: some of their documents are not indexed yet"


def with_stand_ins(bucket_map: BucketMap, prefix: str, lost: Collection[Bucket]) -> BucketMap:
    """The map after the indices of these buckets were lost: each gets a new one, known to be incomplete."""
    generation = bucket_map.generation + 1
    buckets = tuple(
        Bucket(
            start_s=bucket.start_s,
            index=index_name(prefix, bucket.start_s, generation),
            token=generation,
            loss_generation=generation,
        )
        if bucket in lost
        else bucket
        for bucket in bucket_map.buckets
    )
    return replace(bucket_map, generation=generation, buckets=buckets)


def with_complete(bucket_map: BucketMap, complete: Collection[Bucket]) -> BucketMap:
    """The map after all documents of these buckets are back."""
    buckets = tuple(replace(b, loss_generation=0) if b in complete else b for b in bucket_map.buckets)
    return replace(bucket_map, generation=bucket_map.generation + 1, buckets=buckets)


def first_map(prefix: str) -> BucketMap:
    """The map of a fresh installation: one bucket for all of time."""
    return BucketMap(generation=1, buckets=(Bucket(start_s=0, index=index_name(prefix, 0, 1), token=1),))


def map_json(bucket_map: BucketMap) -> dict[str, Any]:
    """The map as registries and caches keep it; the inverse of `map_from_json`."""
    return {
        "generation": bucket_map.generation,
        "buckets": [
            {
                "start_s": b.start_s,
                "index": b.index,
                "token": b.token,
                "incomplete": b.incomplete,
                "loss_generation": b.loss_generation,
            }
            for b in bucket_map.buckets
        ],
        "move": None if bucket_map.move is None else move_json(bucket_map.move),
    }


def map_from_json(data: Mapping[str, Any]) -> BucketMap:
    """:raises ValueError, KeyError, TypeError: `data` is no bucket map."""
    buckets = tuple(
        Bucket(start_s=b["start_s"], index=b["index"], token=b["token"], loss_generation=_loss_generation(b))
        for b in data["buckets"]
    )
    move = data.get("move")
    return BucketMap(
        generation=data["generation"], buckets=buckets, move=None if move is None else move_from_json(move)
    )


def _loss_generation(data: Mapping[str, Any]) -> int:
    # Maps of before tell only that there was a loss. The token is no older than it.
    generation: int = data.get("loss_generation", data["token"])
    return generation if data.get("incomplete") else 0
