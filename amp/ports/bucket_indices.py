"""The indices behind the buckets: created, dropped, blocked, and switched by atomic alias changes.

A *write alias* is a name through which an index can be written. The *read alias* is the one name that searches use; it
contains indices, each with a filter. When a method raises `SearchUnavailable`, its effect may or may not have happened,
so read the present state before continuing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """A bucket's share of the read alias: documents with `created_ms` in `[start_ms, end_ms)` that are not deleted."""

    index: str
    start_ms: int
    end_ms: int | None  #: None: no end


@dataclass(frozen=True, slots=True)
class AliasChange:
    """The changes that one atomic call makes. `remove_write` and `add_write` are pairs of index and alias."""

    #: All of these must exist, or nothing is changed at all. This makes the call a compare-and-set.
    remove_write: tuple[tuple[str, str], ...] = ()
    add_write: tuple[tuple[str, str], ...] = ()
    #: Put into the read alias; replaces the filter of an index that is already in it.
    set_read: tuple[ReadFilter, ...] = ()
    remove_read: tuple[str, ...] = ()  #: indices to remove from the read alias


@dataclass(frozen=True, slots=True)
class IndexInfo:
    index: str
    write_aliases: tuple[str, ...]
    read: ReadFilter | None  #: None: the index is not in the read alias
    blocked: bool  #: whether writes are blocked
    documents: int  #: without deleted documents and nested entries; may be 0 if the index has no write alias
    bytes: int  #: size of the primary shards


class IndexLifecycle(Protocol):
    """Creates, reports and drops the indices behind buckets."""

    def create(self, index: str, *, loading: bool = False) -> bool:
        """Create an empty index from the template, in no alias. Return False if it exists already. With `loading`, the
        index neither refreshes by itself nor has replicas until `serve` is called.

        :raises SearchUnavailable: it is unknown whether the index was created.
        """
        ...

    def serve(self, index: str, timeout_s: float) -> bool:
        """Let an index refresh and be replicated as the template says. Return True once all its copies are available,
        False if they are not within `timeout_s`.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: it is unknown whether the settings were changed.
        """
        ...

    def reclaim(self, index: str) -> None:
        """Free the space of deleted documents, as far as that is cheap. This may take minutes.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: it may still be in progress.
        """
        ...

    def drop(self, index: str) -> None:
        """Remove the index with all its documents and aliases. Do nothing if it does not exist.

        :raises SearchUnavailable: it is unknown whether the index was removed.
        """
        ...

    def info(self) -> list[IndexInfo]:
        """Return every index of this installation by name, whether it is in the bucket map or not.

        :raises SearchUnavailable: the index does not answer.
        """
        ...


class IndexAccess(Protocol):
    """Controls which indices writers and searches use."""

    def change_aliases(self, change: AliasChange) -> bool:
        """Make all of these changes atomically and return True; or none of them, and return False, if an alias of
        `remove_write` does not exist. An alias that is both removed and added must exist and stays.

        A search or a put sees the aliases either before or after the change, never a mixture.

        :raises NotFound: an index named in the change does not exist.
        :raises SearchUnavailable: it is unknown whether the aliases were changed.
        """
        ...

    def block(self, index: str) -> None:
        """Block writes to the index. On return, every write in progress has finished, and later ones are BUSY.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: it is unknown whether writes are blocked.
        """
        ...

    def unblock(self, index: str) -> None:
        """Allow writes again. Do nothing if they are not blocked.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: it is unknown whether writes are blocked.
        """
        ...

    def refresh(self, indices: Sequence[str]) -> None:
        """Make every write that finished before the call visible to searches.

        :raises SearchUnavailable: some may not be visible.
        """
        ...

    def searched(self) -> frozenset[str]:
        """Return the indices in the read alias, empty if there are none. This is cheap and takes at most two seconds.

        :raises SearchUnavailable: the search index does not answer.
        """
        ...


class BucketIndices(IndexLifecycle, IndexAccess, Protocol):
    """No index is ever written under its own name, and only `create` creates one."""
