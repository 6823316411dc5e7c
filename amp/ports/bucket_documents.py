"""The documents of one index behind a bucket, as moves and checks see them: raw, tombstones and all."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from amp.domain.documents import IndexedDocument
from amp.ports.search_index import PutResult

#: A page ends with the document that brings its bodies to this size.
MAX_PAGE_BYTES = 8 * 1024 * 1024
#: Characters of an asset id.
_ASSET_ID = 36


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Documents with `created_ms` in `[start_ms, end_ms)`; None: no end. With a type or a project, only those of it."""

    start_ms: int
    end_ms: int | None = None
    type: str | None = None
    project: str | None = None

    def part(self, start_ms: int, width_ms: int) -> "TimeRange":
        """What of the range lies in `[start_ms, start_ms + width_ms)`."""
        end_ms = start_ms + width_ms
        end_ms = end_ms if self.end_ms is None else min(end_ms, self.end_ms)
        return replace(self, start_ms=max(start_ms, self.start_ms), end_ms=end_ms)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a document stands in the order of pages: by creation, asset, version, revision. Writing it anew moves it
    forward, never back.
    """

    created_ms: int
    doc_id: str  #: begins with the asset's id
    version: int  #: of the asset
    revision: int  #: parts a superseded version from a head that is still of that version

    @property
    def asset_id(self) -> str:
        return self.doc_id[:_ASSET_ID]


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as the index keeps it; its revision is its external version."""

    position: Position
    body: bytes = b""  #: in the index's own form, for `put` alone; empty where it was not asked for
    tombstone: bool | None = None  #: None: not asked for

    @property
    def doc_id(self) -> str:
        return self.position.doc_id

    @property
    def revision(self) -> int:
        return self.position.revision


@dataclass(frozen=True, slots=True)
class SliceTotals:
    """What a part of a range holds."""

    range: TimeRange
    documents: int
    revisions: int  #: their sum


@dataclass(frozen=True, slots=True)
class Totals:
    """What documents of a part of a range come to. Those of versions that are not the head's count too, but for
    tombstones.
    """

    heads: int = 0
    deleted: int = 0  #: of the heads
    revisions: int = 0  #: of the heads, added up
    versions: int = 0  #: added up
    superseded: int = 0  #: documents that are not heads
    created: int = 0  #: milliseconds, added up: one asset for another does not go unnoticed

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, name) + getattr(other, name) for name in Totals.__slots__))

    def agree_with(self, other: "Totals") -> bool:
        """For all practical purposes these are the same documents."""
        # An index may add up in floating point numbers, so that the last bits of large sums are not to be relied on.
        apart = abs(self.created - other.created)
        return apart <= self.created >> 51 and replace(self, created=0) == replace(other, created=0)


class BucketDocuments(Protocol):
    """Reads see what was refreshed. Writes go through write aliases alone, and never over a newer revision."""

    def mark(self, index: str) -> str:
        """A point in the index's history. What lies before it is shown by every refresh that begins after this call;
        a write that begins after it never does.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def page(
        self,
        index: str,
        of: TimeRange,
        *,
        after: Position | None = None,
        since: str | None = None,
        limit: int,
        bodies: bool = True,
    ) -> list[RawDocument]:
        """Documents in the order of their positions, from the one past `after` on: at most `limit`, which is at most
        10,000, and with bodies fewer where these are large (see `MAX_PAGE_BYTES`). An empty page: there are no more.
        With `since`, at least those whose latest write does not lie before that mark.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        """These documents with their bodies, in order, in pages that end as those of `page` do. Documents that were
        written again or removed since they were read are left out.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:
        """The revision of each document as last written or, if `shown`, as of the last refresh, as all else that is
        read; absent: it is not there.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        """Write them through the alias unless a newer revision is there; one result each, in order."""
        ...

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        """Remove each unless a newer revision is there (SUPERSEDED); one that is gone is DONE."""
        ...

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        """The range in parts of that width, in order, those that hold nothing left out. Parts begin at multiples of
        the width; the first and the last are cut to the range. There may be 50,000.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def totals(self, index: str, of: TimeRange, width_ms: int) -> dict[int, Totals]:
        """The range in parts of that width, by their beginnings, which are multiples of it; those that hold nothing
        left out. There may be 50,000.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def of_assets(self, ids: Collection[UUID]) -> list[tuple[str, RawDocument]]:
        """Every document of these assets with its index, whichever of AMP's and wherever in time, as far as it was
        refreshed: without its body, but it says whether it is a tombstone.

        :raises SearchUnavailable: an index, or part of it, does not answer.
        """
        ...

    def matches(self, found: RawDocument, wanted: IndexedDocument) -> bool:
        """Whether what was found, with its body, says what was wanted."""
        ...

    def count(self, index: str, of: TimeRange) -> int:
        """How many documents the range holds, exactly.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        """A time that about half of the range's documents were created before; None: it holds none.

        :raises NotFound: the index is not there.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...
