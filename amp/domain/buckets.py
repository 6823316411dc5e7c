"""The bucket map: the sorted list of time buckets. It decides, from an id alone, where an asset is indexed."""

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
    token: int  #: the map generation that introduced the current write alias of this bucket
    #: The map generation that found the last loss of documents, while not all are restored; 0: none are missing.
    loss_generation: int = 0

    @property
    def incomplete(self) -> bool:
        """Return whether documents were lost with a former index and not all of them are restored yet."""
        return self.loss_generation > 0

    @property
    def name(self) -> str:
        return bucket_name(self.start_s)

    @property
    def write_alias(self) -> str:
        return write_alias(self.index, self.token)


@dataclass(frozen=True, kw_only=True)
class BucketMap:
    """The buckets in order of their start. The first starts at 1970, so every id has a bucket."""

    generation: int
    buckets: tuple[Bucket, ...]
    move: Move | None = None  #: at most one at a time
    _starts_ms: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [bucket.start_s * 1000 for bucket in self.buckets]
        if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            raise ValueError("the starts of the buckets in a map must begin at 1970 and increase")
        object.__setattr__(self, "_starts_ms", starts)

    def bucket_at(self, created_ms: int) -> Bucket:
        """Return the bucket of assets created at `created_ms`, by one binary search."""
        return self.buckets[bisect_right(self._starts_ms, created_ms) - 1]

    def write_aliases(self, created_ms: int) -> tuple[str, ...]:
        """Return the aliases through which a document of an asset created then must be written, all in one request. The
        alias of the index that searches see comes first.
        """
        bucket, move = self.bucket_at(created_ms), self.move
        if move is None or bucket.index != move.source or not (move.writes_both and move.covers(created_ms)):
            return (bucket.write_alias,)
        return bucket.write_alias, write_alias(move.target, bucket.token)

    def aliases_of(self, asset_id: UUID) -> tuple[str, ...]:
        """Return `write_aliases` for the asset; empty if this is not a valid asset id."""
        try:
            return self.write_aliases(created_ms(asset_id))
        except InvalidId:
            return ()

    @property
    def incomplete(self) -> tuple[Bucket, ...]:
        """Return the buckets from which documents are missing."""
        return tuple(bucket for bucket in self.buckets if bucket.incomplete)

    @property
    def min_searched(self) -> int:
        """Return the minimum number of buckets that searches see: a merge joins two before the map records it."""
        merges = self.move is not None and self.move.kind is MoveKind.MERGE
        return len(self.buckets) - merges

    def bucket_of(self, index: str) -> Bucket | None:
        """Return the bucket whose documents the index holds; None if it belongs to no bucket (yet, or any more)."""
        return next((bucket for bucket in self.buckets if bucket.index == index), None)

    def end_s(self, bucket: Bucket) -> int | None:
        """Return the end of the bucket in seconds, exclusive; None for the newest."""
        position = self.buckets.index(bucket) + 1
        return self.buckets[position].start_s if position < len(self.buckets) else None

    def end_ms(self, position: int) -> int | None:
        """Return the end of the bucket at `position` in milliseconds, exclusive; None for the newest."""
        return self._starts_ms[position + 1] if position + 1 < len(self.buckets) else None


def bucket_name(start_s: int) -> str:
    """Return the start as `yyyyMMddHHmmss` in UTC."""
    return datetime.fromtimestamp(start_s, UTC).strftime("%Y%m%d%H%M%S")


def index_name(prefix: str, start_s: int, generation: int) -> str:
    """Return `<prefix>-<name>-<generation>`. The generation ensures that no index name is used twice."""
    return f"{prefix}-{bucket_name(start_s)}-{generation}"


def write_alias(index: str, token: int) -> str:
    return f"{index}-w{token}"


def index_of(alias: str) -> str:
    """Return the index of a write alias."""
    return alias.rpartition("-w")[0]


def token_of(alias: str) -> int:
    """Return the token of a write alias; negative for the placeholder aliases of `IndexAliases`."""
    return int(alias.rpartition("-w")[2])


def incomplete_text(names: Sequence[str]) -> str:
    """Return a message about these incomplete buckets, of which there is at least one."""
    listed = ", ".join(names)
    if len(names) == 1:
        return f"bucket {listed} is incomplete: some of its documents are not indexed yet"
    return f"buckets {listed} are incomplete: some of their documents are not indexed yet"


def with_stand_ins(bucket_map: BucketMap, prefix: str, lost: Collection[Bucket]) -> BucketMap:
    """Return the map after the indices of these buckets were lost: each gets a new index, marked as incomplete."""
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
    """Return the map after all documents of these buckets are restored."""
    buckets = tuple(replace(b, loss_generation=0) if b in complete else b for b in bucket_map.buckets)
    return replace(bucket_map, generation=bucket_map.generation + 1, buckets=buckets)


def first_map(prefix: str) -> BucketMap:
    """Return the map of a new installation: one bucket for all of time."""
    return BucketMap(generation=1, buckets=(Bucket(start_s=0, index=index_name(prefix, 0, 1), token=1),))


def map_json(bucket_map: BucketMap) -> dict[str, Any]:
    """Return the map as registries and caches store it; the inverse of `map_from_json`."""
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
    """Return the map that `map_json` encoded.

    :raises ValueError, KeyError, TypeError: `data` is not a bucket map.
    """
    buckets = tuple(
        Bucket(start_s=b["start_s"], index=b["index"], token=b["token"], loss_generation=_loss_generation_from_json(b))
        for b in data["buckets"]
    )
    move = data.get("move")
    return BucketMap(
        generation=data["generation"], buckets=buckets, move=None if move is None else move_from_json(move)
    )


def _loss_generation_from_json(data: Mapping[str, Any]) -> int:
    # Older maps record only that there was a loss. The token is no older than the loss.
    generation: int = data.get("loss_generation", data["token"])
    return generation if data.get("incomplete") else 0
