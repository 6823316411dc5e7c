"""The raw documents of one index behind a bucket, tombstones included, as moves and checks read and write them.

A *mark* divides the writes to an index into those that lie before it and all others. Every write that lies before a
mark was finished when the mark was taken. The *body* of a document is its content in the index's own format. A
*refresh* makes earlier writes visible to reads.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from amp.domain.documents import IndexedDocument, Position
from amp.ports.search_index import PutResult

#: A page ends with the document that brings its bodies to this size, in bytes.
MAX_PAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Documents with `created_ms` in `[start_ms, end_ms)`; if a type or a project is given, only those of it."""

    start_ms: int
    end_ms: int | None = None  #: None: no end
    type: str | None = None
    project: str | None = None

    def part(self, start_ms: int, width_ms: int) -> "TimeRange":
        """Return the part of the range within `[start_ms, start_ms + width_ms)`."""
        end_ms = start_ms + width_ms
        end_ms = end_ms if self.end_ms is None else min(end_ms, self.end_ms)
        return replace(self, start_ms=max(start_ms, self.start_ms), end_ms=end_ms)


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as the index stores it. Its revision is its external version."""

    position: Position
    body: bytes = b""  #: in the index's own format, meant for `put` only; empty if it was not requested
    tombstone: bool | None = None  #: None: not requested

    @property
    def doc_id(self) -> str:
        return self.position.doc_id

    @property
    def revision(self) -> int:
        return self.position.revision


@dataclass(frozen=True, slots=True)
class SliceTotals:
    """Totals over one slice of a range, tombstones included."""

    range: TimeRange
    documents: int
    revisions: int  #: the sum of their revisions


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals over the heads in one slice of a range, and over the superseded versions that are not tombstones."""

    heads: int = 0  #: number of heads
    deleted: int = 0  #: number of heads that are tombstones
    revisions: int = 0  #: sum of the heads' revisions
    versions: int = 0  #: sum of the versions
    superseded: int = 0  #: number of documents that are not heads
    created: int = 0  #: sum of the creation times in milliseconds: detects one asset in place of another

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, name) + getattr(other, name) for name in Totals.__slots__))

    def agree_with(self, other: "Totals") -> bool:
        """Return whether both are, for all practical purposes, totals of the same documents."""
        # An index may add in floating point, so the last bits of a large sum are not reliable.
        difference = abs(self.created - other.created)
        return difference <= self.created >> 51 and replace(self, created=0) == replace(other, created=0)


class DocumentPages(Protocol):
    """Reads and writes the documents of an index, as moves do."""

    def mark(self, index: str) -> str:
        """Return a mark. Writes before it are visible after every refresh that begins after this call. A write that
        begins after this call never lies before the mark.

        :raises NotFound: the index does not exist.
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
        """Return documents of the range in the order of their positions, beginning after `after` (None: from the
        first). There are at most `limit` of them, which is at most 10,000, and fewer if their bodies are large (see
        `MAX_PAGE_BYTES`). An empty page means that there are no more. With `since`, the pages contain at least the
        documents whose latest write does not lie before that mark.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        """Yield these documents with their bodies, in order, in pages limited as those of `page` are. Documents that
        were written again or removed since they were read are left out.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:
        """Return the revision of each document as it was last written or, with `refreshed`, as of the last refresh,
        like all other reads. Documents that do not exist are left out.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index does not answer.
        """
        ...

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        """Write each document through the alias unless a newer revision is there. Return one result per document, in
        order.
        """
        ...

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        """Remove each document through the alias unless a newer revision is there (SUPERSEDED). Return one result per
        document, in order; DONE also if the document did not exist.
        """
        ...


class DocumentTotals(Protocol):
    """Counts, totals and finds the documents of an index, as checks and reports do."""

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        """Return totals of the range in slices of that width, in order. Empty slices are left out. Slices begin at
        multiples of the width; the first and the last are cut to the range. There may be as many as 50,000.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def totals(self, index: str, of: TimeRange, width_ms: int) -> dict[int, Totals]:
        """Return totals of the range in slices of that width, by the start of the slice, which is a multiple of the
        width. Empty slices are left out. There may be as many as 50,000.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def of_assets(self, ids: Collection[UUID]) -> list[tuple[str, RawDocument]]:
        """Return every refreshed document of these assets with its index, from all indices of this installation and
        from any time. They have no bodies, but `tombstone` is set.

        :raises SearchUnavailable: an index, or part of it, does not answer.
        """
        ...

    def matches(self, found: RawDocument, wanted: IndexedDocument) -> bool:
        """Return whether the content of `found`, which must have its body, equals that of `wanted`."""
        ...

    def count(self, index: str, of: TimeRange) -> int:
        """Return the exact number of documents in the range.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        """Return a time before which about half of the range's documents were created; None: the range is empty.

        :raises NotFound: the index does not exist.
        :raises SearchUnavailable: the index, or part of it, does not answer.
        """
        ...


class BucketDocuments(DocumentPages, DocumentTotals, Protocol):
    """Reads see what was refreshed. Writes go only through write aliases and never replace a newer revision."""
