"""Finds the documents that a copy of a range lacks: first by totals of slices, then one by one where totals differ."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from amp.domain.documents import Position
from amp.ports.bucket_documents import BucketDocuments, RawDocument, TimeRange
from amp.services.moves.copy_documents import PAGE, Copy, DocumentCopy

_DAY_MS = 24 * 3600 * 1000
_MIN_WIDTH_MS = 1_000
#: A slice with more documents than this is compared in parts.
_SLICE = 2_000
_PARTS = 60


@dataclass(frozen=True, kw_only=True)
class RangeComparison:
    """Compares a range of the source with the target, and copies what the target lacks. It reads the documents as of
    the last refresh. By default, the last written revision in the target decides whether a document is behind.
    """

    documents: BucketDocuments
    copier: DocumentCopy

    def differing(self, source: str, target: str, of: TimeRange, width_ms: int = _DAY_MS) -> list[TimeRange]:
        """Return the parts of the range in which the number of documents or the total of revisions differs.

        :raises NotFound: one of the indices does not exist.
        :raises SearchUnavailable: the index does not answer.
        """
        target_slices = {part.range.start_ms: part for part in self.documents.slices(target, of, width_ms)}
        ranges: list[TimeRange] = []
        for part in self.documents.slices(source, of, width_ms):
            if part == target_slices.get(part.range.start_ms):
                continue
            if part.documents > _SLICE and width_ms > _MIN_WIDTH_MS:
                ranges += self.differing(source, target, part.range, max(_MIN_WIDTH_MS, width_ms // _PARTS))
            else:
                ranges.append(part.range)
        return ranges

    def bring_forward(
        self, copy: Copy, target: str, pace: Callable[[int], None], *, refreshed: bool = False
    ) -> Iterator[tuple[list[RawDocument], int]]:
        """Copy the documents that the target lacks or has at an older revision, except those that a purge was to
        remove. If `refreshed`, also copy those that the target has but searches do not see yet. Yield for each page the
        documents (without bodies) that the target now has at these revisions or later, or must not have, and the number
        copied.

        :raises StaleToken: another attempt began.
        :raises DocumentRejected: the target rejects a document permanently.
        :raises NotFound: one of the indices does not exist.
        :raises SearchUnavailable: call it again to continue.
        """
        after = None
        while page := self._page(copy, after):
            pace(len(page))
            revisions = self.documents.revisions(target, [document.doc_id for document in page], refreshed=refreshed)
            behind = {d.position for d in page if revisions.get(d.doc_id, 0) < d.revision}
            if behind:
                behind = self.copier.without_purged(behind)
            copied = self._copy(copy, [d for d in page if d.position in behind])
            yield [d for d in page if d.position not in behind or d.position in copied], len(copied)
            after = page[-1].position

    def _copy(self, copy: Copy, behind: Collection[RawDocument]) -> set[Position]:
        # Documents that were written meanwhile are copied with the writes since the next mark.
        copied: set[Position] = set()
        for page in self.documents.with_bodies(copy.source, behind):
            self.copier.put(copy.alias, page)
            copied.update(document.position for document in page)
        return copied

    def _page(self, copy: Copy, after: Position | None) -> list[RawDocument]:
        return self.documents.page(copy.source, copy.of, after=after, since=copy.since, limit=PAGE, bodies=False)
