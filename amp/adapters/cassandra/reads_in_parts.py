"""Reads a range that has more tombstones than Cassandra scans in one read: part by part, in order."""

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
class ReadResult(Generic[Key, Row]):
    rows: list[Row]
    #: The end of what was read, if the number of reads was exhausted; None: the range was read completely, or up to the
    #: limit of rows.
    read_to: Key | None


def read_in_parts(
    read: Callable[[KeyRange[Key], int], list[Row]],
    parts: Sequence[KeyRange[Key]],
    cut: Callable[[KeyRange[Key]], Key | None],
    limit: int,
    max_reads: int | None = None,
) -> ReadResult[Key, Row]:
    """Return up to `limit` rows of the parts, in order. A part with too many tombstones is cut in two, recursively.

    :param read: returns the rows of one part, up to a limit.
    :param cut: returns a key inside of a part; None if there is none.
    :param max_reads: maximum number of reads; at least one part is read completely.
    :raises StoreUnavailable: there is no answer, or a part with too many tombstones cannot be cut.
    """
    rows: list[Row] = []
    pending = list(reversed(parts))
    read_to: Key | None = None
    reads = 0
    while pending and len(rows) < limit:
        if max_reads is not None and reads >= max_reads and read_to is not None:
            return ReadResult(rows, read_to)
        reads += 1
        part = pending.pop()
        try:
            rows += read(part, limit - len(rows))
        except TooManyTombstones:
            middle = cut(part)
            if middle is None:
                raise
            pending += [KeyRange(middle, part.end), KeyRange(part.begin, middle)]
        else:
            read_to = part.end
    return ReadResult(rows, None)
