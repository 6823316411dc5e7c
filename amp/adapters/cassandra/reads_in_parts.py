"""Reads of a range that holds more tombstones than Cassandra passes in one read: part by part, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from amp.adapters.cassandra.errors import TooManyTombstones

Key = TypeVar("Key")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class KeyRange(Generic[Key]):
    """A range of keys in the order in which they are read."""

    begin: Key
    end: Key


@dataclass(frozen=True, slots=True)
class Found(Generic[Key, Row]):
    rows: list[Row]
    #: Everything up to here was read, and what follows was not; None: all was read, or as many rows as asked for.
    read_to: Key | None


def read_in_parts(
    read: Callable[[KeyRange[Key], int], list[Row]],
    parts: Sequence[KeyRange[Key]],
    cut: Callable[[KeyRange[Key]], Key | None],
    limit: int,
    max_reads: int | None = None,
) -> Found[Key, Row]:
    """Up to `limit` rows of the parts, in order. A part that holds too many tombstones is cut in two, and these again.

    :param read: the rows of one part, up to a limit.
    :param cut: a key inside of a part; None: there is none.
    :param max_reads: reads at most, if more than one part remains.

    :raises StoreUnavailable: there is no answer, or a part can't be cut.
    """
    rows: list[Row] = []
    left = list(reversed(parts))
    read_to: Key | None = None
    reads = 0
    while left and len(rows) < limit:
        if max_reads is not None and reads >= max_reads and read_to is not None:
            return Found(rows, read_to)
        reads += 1
        part = left.pop()
        try:
            rows += read(part, limit - len(rows))
        except TooManyTombstones:
            middle = cut(part)
            if middle is None:
                raise
            left += [KeyRange(middle, part.end), KeyRange(part.begin, middle)]
        else:
            read_to = part.end
    return Found(rows, None)
