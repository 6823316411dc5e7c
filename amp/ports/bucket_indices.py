"""The indices behind the buckets: made, dropped, blocked, and switched by atomic alias changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """A bucket's part of the read alias: documents with `created_ms` in `[start_ms, end_ms)` that are not deleted."""

    index: str
    start_ms: int
    end_ms: int | None  #: None: no end


@dataclass(frozen=True, slots=True)
class AliasChange:
    """What one atomic call does. `remove_write` and `add_write` are (index, alias) pairs."""

    #: Must all be there, else nothing is changed at all: this is what makes the call a compare-and-set.
    remove_write: tuple[tuple[str, str], ...] = ()
    add_write: tuple[tuple[str, str], ...] = ()
    #: Put into the read alias, replacing the filter where the index is in it already.
    set_read: tuple[ReadFilter, ...] = ()
    remove_read: tuple[str, ...] = ()  #: indices taken out of the read alias


@dataclass(frozen=True, slots=True)
class IndexInfo:
    index: str
    write_aliases: tuple[str, ...]
    read: ReadFilter | None  #: None: not in the read alias
    blocked: bool
    documents: int  #: deleted ones and nested entries not counted; may be 0 where there is no write alias
    bytes: int  #: of primaries


class BucketIndices(Protocol):
    """No index is ever written by its own name, and none is made but by `create`."""

    def create(self, index: str, *, loading: bool = False) -> bool:
        """Make an empty index from the template, in no alias. False if it is there already. One for `loading` neither
        refreshes by itself nor has replicas until `serve`.

        :raises SearchUnavailable: look before going on.
        """
        ...

    def serve(self, index: str, timeout_s: float) -> bool:
        """Let an index refresh and be replicated as the template says; True once all its copies are there, False if
        they are not within `timeout_s`.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: look before going on.
        """
        ...

    def reclaim(self, index: str) -> None:
        """Free the space of deleted documents, as far as that is cheap; may take minutes.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: it may still be under way.
        """
        ...

    def drop(self, index: str) -> None:
        """Remove the index with all it holds and its aliases; nothing if it is not there.

        :raises SearchUnavailable: look before going on.
        """
        ...

    def change_aliases(self, change: AliasChange) -> bool:
        """All of it atomically, or False and none of it when an alias of `remove_write` is not there. An alias that is
        both removed and added is only looked for.

        A search or put sees the aliases of before or of after, never a mixture.

        :raises NotFound: an index named is not there.
        :raises SearchUnavailable: it is unknown whether it was done; look before going on.
        """
        ...

    def block(self, index: str) -> None:
        """Stop writes to the index. On return every write under way has landed, and later ones are BUSY.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: look before going on.
        """
        ...

    def unblock(self, index: str) -> None:
        """Let writes through again; nothing if they are.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: look before going on.
        """
        ...

    def refresh(self, indices: Sequence[str]) -> None:
        """On return, searches see every write that finished before the call.

        :raises SearchUnavailable: they may not.
        """
        ...

    def info(self) -> list[IndexInfo]:
        """Every index of this installation, in the map or not, by name.

        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def searched(self) -> frozenset[str]:
        """The indices that searches see; a cheap question, answered within two seconds.

        :raises SearchUnavailable: the search index does not answer.
        """
        ...
