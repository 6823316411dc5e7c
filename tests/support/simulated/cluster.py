"""A search cluster in memory: indices with what was written and what searches see, aliases, blocks; without time.

It keeps no promise that Elasticsearch does not keep: a real delete forgets the version, an alias is looked up once per
request, writes that found it may land after it is gone, and an index dropped under a search only makes a short answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from amp.domain.buckets import index_of
from amp.errors import NotFound
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import PutResult, WriteStatus

_DONE = PutResult(WriteStatus.DONE)
_SUPERSEDED = PutResult(WriteStatus.SUPERSEDED)
_STALE = PutResult(WriteStatus.STALE)
#: Shards of an index; each refreshes by itself.
SHARDS = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as one index holds it."""

    doc_id: str
    revision: int
    created_ms: int
    body: dict[str, Any]
    written: int  #: its place in the index's history

    @property
    def asset_id(self) -> str:
        return self.doc_id[:36]

    @property
    def is_head(self) -> bool:
        return len(self.doc_id) == 36


@dataclass(slots=True)
class Index:
    name: str
    loading: bool = False  #: does not refresh by itself
    blocked: bool = False
    refuses: bool = False  #: no write gets in, for a reason that is nobody's here
    under_way: int = 0  #: writes that found the index and have neither landed nor been refused
    written: int = 0  #: counts writes
    docs: dict[str, Stored] = field(default_factory=dict)
    visible: dict[str, Stored] = field(default_factory=dict)
    unrefreshed: dict[str, None] = field(default_factory=dict)  #: in order, and each once
    aliases: set[str] = field(default_factory=set)
    dropped: bool = False


class SimulatedCluster:
    """Tests that take a safeguard away subclass this."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}
        self.read: dict[str, ReadFilter] = {}
        #: What searches see may be another since somebody last looked.
        self.changed = True

    def there(self, index: str) -> Index:
        """:raises NotFound: the index is not there."""
        found = self.indices.get(index)
        if found is None:
            raise NotFound(f"no such index: {index}")
        return found

    def create(self, index: str, loading: bool) -> bool:
        if index in self.indices:
            return False
        self.indices[index] = Index(index, loading=loading)
        return True

    def drop(self, index: str) -> None:
        found = self.indices.pop(index, None)
        if found is not None:
            found.dropped = True
            found.docs, found.visible = {}, {}
            self.read.pop(index, None)
            self.changed = True

    def change_aliases(self, change: AliasChange) -> bool:
        named = [*change.remove_write, *change.add_write]
        for name in [*(index for index, _ in named), *(read.index for read in change.set_read), *change.remove_read]:
            self.there(name)
        if not self.all_there(change):
            return False
        for index, alias in change.remove_write:
            self.indices[index].aliases.discard(alias)
        for index in change.remove_read:
            self.read.pop(index, None)
        for index, alias in change.add_write:
            self.indices[index].aliases.add(alias)
        for read in change.set_read:
            self.read[read.index] = self.filtered(read)
        self.changed = self.changed or bool(change.set_read or change.remove_read)
        return True

    def all_there(self, change: AliasChange) -> bool:
        return all(alias in self.indices[index].aliases for index, alias in change.remove_write)

    def filtered(self, read: ReadFilter) -> ReadFilter:
        return read

    def written_through(self, alias: str) -> Index | None:
        """The index that a write through the alias goes to now."""
        found = self.indices.get(index_of(alias))
        return found if found is not None and self.answers(found, alias) else None

    def answers(self, index: Index, alias: str) -> bool:
        return alias in index.aliases

    def land(self, index: Index, doc_id: str, revision: int, created_ms: int, body: dict[str, Any]) -> PutResult:
        """The document arrives at its shard."""
        if index.dropped:
            return _STALE
        there = index.docs.get(doc_id)
        if there is not None and self.outranked(revision, there):
            return _SUPERSEDED
        index.written += 1
        index.docs[doc_id] = Stored(doc_id, revision, created_ms, body, index.written)
        index.unrefreshed[doc_id] = None
        return _DONE

    def land_delete(self, index: Index, doc_id: str, revision: int) -> PutResult:
        if index.dropped:
            return _STALE
        there = index.docs.get(doc_id)
        if there is not None:
            if self.outranked(revision, there):
                return _SUPERSEDED
            index.written += 1
            del index.docs[doc_id]
            index.unrefreshed[doc_id] = None
        return _DONE

    def drained(self, index: Index) -> bool:
        """Whether a block may answer."""
        return index.under_way == 0

    def outranked(self, revision: int, there: Stored) -> bool:
        return revision < there.revision

    def refresh(self, index: Index, shard: int | None = None) -> None:
        """Show what was written, in one shard or in all."""
        shown = [doc_id for doc_id in index.unrefreshed if shard is None or _shard(doc_id) == shard]
        for doc_id in shown:
            del index.unrefreshed[doc_id]
            stored = index.docs.get(doc_id)
            if stored is None:
                index.visible.pop(doc_id, None)
            else:
                index.visible[doc_id] = stored
        if shown:
            self.changed = self.changed or index.name in self.read

    def heads(self, read: Iterable[ReadFilter]) -> Iterable[Stored]:
        """The head documents that a search through these finds."""
        for part in read:
            index = self.indices.get(part.index)
            if index is not None:
                for stored in index.visible.values():
                    if stored.is_head and found_by(part, stored):
                        yield stored


def found_by(read: ReadFilter, stored: Stored) -> bool:
    return (
        read.start_ms <= stored.created_ms
        and (read.end_ms is None or stored.created_ms < read.end_ms)
        and not stored.body["deleted"]
    )


def _shard(doc_id: str) -> int:
    return ord(doc_id[35]) % SHARDS
