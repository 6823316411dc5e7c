"""Copies the range of a move into its target while writers write to both: the first copy, then later changes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from amp.domain.buckets import write_alias
from amp.domain.moves import Move
from amp.ports.bucket_documents import BucketDocuments, TimeRange
from amp.ports.bucket_indices import BucketIndices
from amp.services.buckets.aliases import MapChanged
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_documents import Copy, DocumentCopy
from amp.services.moves.progress import MoveProgress

_log = structlog.get_logger(__name__)
#: Maximum number of changes that may be left to copy while writers wait.
_MAX_CHANGES_LEFT = 500
_MAX_ROUNDS = 20
#: Up to this number, missing documents are explained by writes during the comparison of the whole range.
_MAX_UNDER_WAY = 50


class MoveFailed(Exception):
    """The move cannot be completed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class RangeCopy:
    """Copies the range of a move into its target. Each round copies the writes since the mark of the round before, so
    none is missed during live traffic. Totals over slices of time then verify the whole range.
    """

    indices: BucketIndices
    documents: BucketDocuments
    copier: DocumentCopy
    comparison: RangeComparison
    serve_s: float  #: maximum time until the target has all its replicas, in seconds

    def run(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        """Copy the range. On return, little is left for `finish`.

        :raises MoveFailed, DocumentRejected: the move cannot be completed.
        :raises MapChanged, StaleToken: another phase or attempt began, or `stop` was set.
        :raises Retryable: a component does not answer; call it again, and it continues from the checkpoint.
        """
        if progress.mark is None:
            self._copy_all(move, progress, stop)
        self._catch_up(move, progress, stop)
        if not self.indices.serve(move.target, self.serve_s):
            raise MoveFailed(f"not all copies of {move.target} are available after {self.serve_s:g} s")
        self._verify(move, progress)
        self._catch_up(move, progress, stop)

    def approach(self, move: Move, progress: MoveProgress) -> str:
        """Do the part of `finish` that is possible while writers write. Return the mark from which `finish` continues.

        :raises DocumentRejected: the target rejects a document permanently.
        :raises StaleToken: another attempt began.
        :raises Retryable: a component does not answer.
        """
        mark = self.documents.mark(move.source)
        self._bring_forward(move, progress.mark, _at_once)
        return mark

    def finish(self, move: Move, mark: str) -> None:
        """Copy the writes since this mark that the target lacks, while writers wait. On return, searches of the target
        see all documents.

        :raises DocumentRejected: the target rejects a document permanently.
        :raises StaleToken: another attempt began.
        :raises Retryable: a component does not answer.
        """
        if self._bring_forward(move, mark, _at_once):
            self.indices.refresh([move.target])

    def _copy_all(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        first = progress.first_mark
        if first is None:
            first = self.documents.mark(move.source)
            self.indices.refresh([move.source])
            progress.begin_copy(first, self.documents.count(move.source, range_of(move)))
        self.copier.run(_copy(move, None), stop, after=progress.after, pace=progress.pace, copied=progress.copied)
        if stop.is_set():
            raise MapChanged
        progress.caught_up(first)

    def _catch_up(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        for _ in range(_MAX_ROUNDS):
            mark = self.documents.mark(move.source)
            copied = self._bring_forward(move, progress.mark, progress.pace, stop)
            progress.caught_up(mark)
            if copied <= _MAX_CHANGES_LEFT:
                return
        raise MoveFailed("changes arrive faster than they are copied; a higher rate may help")

    def _bring_forward(
        self, move: Move, since: str | None, pace: Callable[[int], None], stop: threading.Event | None = None
    ) -> int:
        """Copy later writes that searches of the target do not see. There are few, because writers write to both."""
        self.indices.refresh([move.source, move.target])
        copied = 0
        for _, count in self.comparison.bring_forward(_copy(move, since), move.target, pace, refreshed=True):
            copied += count
            if stop is not None and stop.is_set():
                raise MapChanged
        return copied

    def _verify(self, move: Move, progress: MoveProgress) -> None:
        """Compare the whole range and copy missing documents, which must become few."""
        last = None
        while True:
            self.indices.refresh([move.source, move.target])
            missing = 0
            for part in self.comparison.differing(move.source, move.target, range_of(move)):
                pages = self.comparison.bring_forward(replace(_copy(move, None), of=part), move.target, progress.pace)
                missing += sum(copied for _, copied in pages)
            if missing <= _MAX_UNDER_WAY:
                return
            _log.warning("move copy differs", action="move_copy_differs", move=str(move.id), documents=missing)
            if last is not None and missing >= last:
                raise MoveFailed(f"{missing} documents are missing from the copy, {last} in the comparison before")
            last = missing


def range_of(move: Move) -> TimeRange:
    return TimeRange(move.start_ms, move.end_ms)


def _copy(move: Move, since: str | None) -> Copy:
    # The write alias of the target while writers write to both.
    return Copy(move.source, write_alias(move.target, move.dual_token), range_of(move), since)


def _at_once(_: int) -> None:
    """Do not wait, because writers wait for this copy or are about to."""
