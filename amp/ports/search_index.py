"""The search index: writes fenced by token aliases, and searches over the one read alias."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from amp.domain.criteria import IndexQuery, SearchPage
from amp.domain.documents import IndexedDocument


@dataclass(frozen=True, slots=True)
class Put:
    """Write a document through a write alias, unless a newer revision of it is there (`external_gte`)."""

    alias: str
    document: IndexedDocument


class WriteStatus(Enum):
    DONE = "done"
    SUPERSEDED = "superseded"  #: a newer revision is there; nothing to do
    STALE = "stale"  #: no such write alias: the writer's bucket map is old; refresh it and route again
    BUSY = "busy"  #: blocked, overloaded or out of reach; the same put may succeed later
    REJECTED = "rejected"  #: the document itself is not accepted; trying again cannot help


@dataclass(frozen=True, slots=True)
class PutResult:
    status: WriteStatus
    reason: str = ""
    #: False: nothing answered, so it is not the bucket alone that is BUSY, and the document may have been written.
    answered: bool = True


class SearchIndex(Protocol):
    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        """Write them in as few requests as possible; one result per put, in order. Nothing is ever created but
        documents. Visible to searches after the next refresh (about a second).
        """
        ...

    def search(self, request: IndexQuery) -> SearchPage:
        """One page of the documents in the read alias that match, complete or not at all. With `max_bytes`, memory
        is bounded by it and a few times the largest source, whatever the size of the page.

        :raises BucketsMissing: there are fewer to search than the request says.
        :raises SearchUnavailable: the index, or part of it, does not answer in time.
        """
        ...

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:
        """The revision at which a search of that session sees each asset's head document; absent: it sees none.

        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def written(self, places: Mapping[UUID, str]) -> dict[UUID, int]:
        """The revision of each asset's head document as last written, tombstones included, whether searches see it
        yet or not; `places` names a write alias of the bucket each lives in. Absent: none is there, or the alias is
        stale.

        :raises SearchUnavailable: the index does not answer.
        """
        ...
