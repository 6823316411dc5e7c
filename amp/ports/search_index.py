"""The search index: writes through write aliases that carry a token, and searches over the one read alias.

A *write alias* names an index together with a token of the bucket map. An alias with an old token no longer exists, so
a writer with an outdated map is refused. The *head document* of an asset is the document of its current version.
A *session* is any text: searches with the same session read the same copies of the index.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from amp.domain.criteria import IndexQuery, SearchPage
from amp.domain.documents import IndexedDocument


@dataclass(frozen=True, slots=True)
class Put:
    """A document to write through a write alias, unless a newer revision of it is there (`external_gte`)."""

    alias: str
    document: IndexedDocument


class WriteStatus(Enum):
    DONE = "done"
    SUPERSEDED = "superseded"  #: a newer revision is there; nothing needs to be done
    STALE = "stale"  #: the write alias does not exist: refresh the bucket map, which is outdated, and route again
    BUSY = "busy"  #: blocked, overloaded or unreachable; the same write may succeed later
    REJECTED = "rejected"  #: the document itself is not accepted; a retry cannot succeed


@dataclass(frozen=True, slots=True)
class PutResult:
    status: WriteStatus
    reason: str = ""
    #: False: no server answered. BUSY then does not concern the bucket alone, and the document may have been written.
    answered: bool = True


class SearchIndex(Protocol):
    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        """Write the documents in as few requests as possible. Return one result per document, in order. A put never
        creates an index or an alias. Searches see the documents after the next refresh (about a second).
        """
        ...

    def search(self, query: IndexQuery) -> SearchPage:
        """Return one page of the documents in the read alias that match the query. The answer covers every bucket, or
        an error is raised. With `max_bytes`, the memory used is bounded by it and a few times the largest source,
        whatever the size of the page.

        :raises BucketsMissing: the read alias has fewer buckets than the query requires.
        :raises SearchUnavailable: the index, or part of it, does not answer in time.
        """
        ...

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:
        """Return the revision of each asset's head document that a search of that session sees. Assets for which it
        sees none are left out.

        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def written(self, aliases: Mapping[UUID, str]) -> dict[UUID, int]:
        """Return the revision of each asset's head document as last written, tombstones included, whether searches see
        it yet or not. `aliases` has, for each asset id, a write alias of its bucket. Assets are left out if they have
        no document or their alias is stale.

        :raises SearchUnavailable: the index does not answer.
        """
        ...
