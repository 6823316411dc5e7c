"""Tracks the progress of a move: paces it, detects pauses and other movers, and saves its checkpoint."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from amp.domain.documents import Position
from amp.domain.jobs import JobState, MoveJob
from amp.domain.moves import Move, Phase
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.ports.metrics import MoveMetrics
from amp.services.buckets.aliases import MapChanged
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.runtime.rate_limit import TokenBucket

_SAVE_EVERY_S = 1.0
_CHECK_EVERY_S = 1.0
_PAUSE_S = 0.5


@dataclass(kw_only=True)
class MoveProgress:
    """Tracks one move for the mover that runs it. The checkpoint is a promise about the target: it has all documents
    that were before `mark` in the source, and all of the first copy up to `after`. An old checkpoint, or that of
    another mover, only means more to copy.
    """

    jobs: JobLog
    clock: Clock
    maps: BucketMaps
    job: MoveJob
    move: Move
    stop: threading.Event
    metrics: MoveMetrics
    meanwhile: Callable[[], None] = lambda: None  #: called about every second while the move is paced

    def __post_init__(self) -> None:
        self._checkpoint = self.job.checkpoint
        self._progress = self.job.progress
        self._saved_s = self._checked_s = self._began_s = self.clock.monotonic_s()
        self._due = TokenBucket(self.clock)
        self._paced = 0

    @property
    def mark(self) -> str | None:
        """The mark in the source up to which everything was copied. None: the first copy is not done."""
        return self._checkpoint.mark

    @property
    def first_mark(self) -> str | None:
        """The mark in the source that was taken before the first copy."""
        return self._checkpoint.first_mark

    @property
    def after(self) -> Position | None:
        """The position at which the first copy continues."""
        return self._checkpoint.after

    @property
    def attempts(self) -> int:
        """The number of holds that were abandoned."""
        return self._checkpoint.attempts

    def begin_copy(self, mark: str, total: int) -> None:
        """Record the beginning of the first copy of `total` documents."""
        self._checkpoint = replace(self._checkpoint, first_mark=mark)
        self._progress = replace(self._progress, documents=total, done=0)
        self.save()

    def copied(self, position: Position, count: int) -> None:
        """Record that the first copy has written `count` more documents, up to this position."""
        self._checkpoint = replace(self._checkpoint, after=position)
        self._count(count)
        if self.clock.monotonic_s() - self._saved_s > _SAVE_EVERY_S:
            self.save()

    def caught_up(self, mark: str) -> None:
        """Record that everything before this mark of the source was copied."""
        self._checkpoint = replace(self._checkpoint, mark=mark)
        self.save()

    def hold_abandoned(self) -> None:
        """Record that a hold was abandoned."""
        self._checkpoint = replace(self._checkpoint, attempts=self.attempts + 1)
        self.save()

    def held(self, duration_s: float) -> None:
        """Record the duration for which writers waited at the switch, in seconds."""
        self._progress = replace(self._progress, held_s=duration_s)
        self.save()
        self.metrics.writers_held(duration_s)

    def save(self) -> None:
        """Save progress and checkpoint.

        :raises StoreUnavailable: they are not saved, so a resumed move may copy more than needed.
        """
        self._saved_s = self.clock.monotonic_s()
        self.jobs.save_progress(self.job.id, self._progress, self._checkpoint)

    def pace(self, count: int) -> None:
        """Wait until `count` more documents are due at the job's rate, and while the move is paused.

        :raises MapChanged: the map has another move or phase, or the worker stops.
        """
        while True:
            self._check()
            paused = self.job.state is JobState.PAUSED and self.move.phase is not Phase.CANCELLED
            wait_s = _PAUSE_S if paused else self._due_in_s(count)
            if wait_s <= 0:
                self._paced += count
                return
            self.clock.sleep(min(wait_s, _PAUSE_S))

    def _due_in_s(self, count: int) -> float:
        """Return the seconds until `count` documents are due; 0: they are due and were taken."""
        rate = self.job.rate
        if not rate:
            return 0.0
        due = self._due.available(rate, burst=count)
        if due < count:
            return (count - due) / rate
        self._due.take(count)
        return 0.0

    def _check(self) -> None:
        now_s = self.clock.monotonic_s()
        if now_s - self._checked_s > _CHECK_EVERY_S:
            job = self.jobs.get(self.job.id)
            self.job = job if isinstance(job, MoveJob) else self.job
            self._checked_s = now_s
            self.meanwhile()
        # A cached map may date from before the store was restored. If it were believed, the attempt would be restarted
        # again and again, and the move would never end.
        if self.stop.is_set() or (self.maps.current().move != self.move and self.maps.refresh().move != self.move):
            raise MapChanged

    def _count(self, count: int) -> None:
        """Add `count` to the documents that were copied, and estimate the remaining time."""
        self.metrics.documents_moved(count)
        done = (self._progress.done or 0) + count
        self._progress = replace(self._progress, done=done)
        elapsed_s = self.clock.monotonic_s() - self._began_s
        if elapsed_s > 0:
            rate = self._paced / elapsed_s
            left = max(0, (self._progress.documents or 0) - done)
            remaining_s = round(left / rate, 1) if rate else None
            self._progress = replace(self._progress, rate=round(rate, 1), remaining_s=remaining_s)
