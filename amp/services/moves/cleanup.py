"""Removes the documents that a move leaves behind: in the source after the switch, in the target after a
cancellation."""

from dataclasses import dataclass

from amp.domain.buckets import Bucket, write_alias
from amp.domain.moves import Move
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import BucketDocuments, RawDocument, TimeRange
from amp.ports.bucket_indices import IndexAccess
from amp.ports.search_index import WriteStatus
from amp.services.buckets.aliases import MapChanged
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_documents import PAGE, Copy, StaleToken
from amp.services.moves.copy_range import range_of
from amp.services.moves.progress import MoveProgress


@dataclass(frozen=True, kw_only=True)
class MoveCleanup:
    """Removes only documents that the other index has at the same revision or a later one."""

    indices: IndexAccess
    documents: BucketDocuments
    comparison: RangeComparison

    def clean(self, move: Move, progress: MoveProgress, *, empty: bool) -> None:
        """Copy the documents that the target lacks and, if `empty`, remove all documents of the range from the source.

        :raises MapChanged, StaleToken: another phase began, or new documents have appeared; repeat it.
        :raises Retryable: a component does not answer.
        """
        copy = Copy(move.source, write_alias(move.target, move.switch_token), range_of(move))
        for page, _ in self.comparison.bring_forward(copy, move.target, progress.pace):
            if empty:
                self._delete(write_alias(move.source, move.switch_token), page)
        if empty:
            self._require_empty(move.source, range_of(move))

    def undo(self, move: Move, kept: Bucket, progress: MoveProgress) -> None:
        """Remove all documents of the range from the bucket that stays, so that it has only its own documents again.

        :raises MapChanged, StaleToken: another phase began, or new documents have appeared; repeat it.
        :raises Retryable: a component does not answer.
        """
        of, after = range_of(move), None
        self.indices.refresh([kept.index])
        while page := self.documents.page(kept.index, of, after=after, limit=PAGE, bodies=False):
            progress.pace(len(page))
            self._delete(kept.write_alias, page)
            after = page[-1].position
        self._require_empty(kept.index, of)

    def _delete(self, alias: str, documents: list[RawDocument]) -> None:
        """Remove these documents. Those that have a newer revision by now stay."""
        results = self.documents.delete(alias, documents)
        if any(result.status is WriteStatus.STALE for result in results):
            raise StaleToken
        if failed := [result for result in results if result.status in (WriteStatus.BUSY, WriteStatus.REJECTED)]:
            raise SearchUnavailable(f"{len(failed)} documents could not be removed: {failed[0].reason}")

    def _require_empty(self, index: str, of: TimeRange) -> None:
        self.indices.refresh([index])
        if self.documents.count(index, of):
            raise MapChanged
