"""The loop of the bucket worker: runs recorded moves, watches sizes, and reconciles map and search index."""

import threading

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.services.moves.run import MoveRunner
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.services.runtime.polling import PollingLoop
from amp.services.runtime.retry import Backoff

LEASE = "buckets"
LEASE_S = 30
_BACKOFF = Backoff(first_s=0.2, max_s=5.0)
_RECENT_S = 3.0


class BucketWorker:
    """Runs moves and checks buckets. A lease lets one worker run at a time to save work; two at once do no harm.

    The checks run every `check_s` seconds, in order, even while a move is under way or its components do not answer. A
    check that fails does not keep the others from running.
    """

    def __init__(
        self,
        mover: MoveRunner,
        checks: Chores,
        lease: LeaseKeeper,
        clock: Clock,
        *,
        check_s: float,
        pause_s: float = 1.0,
    ) -> None:
        self._mover = mover
        self._checks = checks
        self._lease = lease
        self._clock = clock
        self._check_s = check_s
        self._pause_s = pause_s
        self._checked_s = self._moved_s = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. A move under way is left to the next worker."""
        try:
            PollingLoop(name="bucket_worker", step=self._step, backoff=_BACKOFF).run(stop)
        finally:
            self._lease.release()

    def run_once(self, stop: threading.Event) -> bool:
        """Do the work that is due, unless another worker has the lease. Return whether a move ran recently.

        :raises Retryable: a component does not answer; call it again.
        """
        if not self._lease.acquire():
            return False
        # A move may take hours.
        with self._lease.renewed():
            try:
                if self._mover.advance(stop, self._check_if_due):
                    self._moved_s = self._clock.monotonic_s()
            except Retryable:
                self._check_if_due()
                raise
            self._check_if_due()
        return self._clock.monotonic_s() - self._moved_s < _RECENT_S

    def _check_if_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._checked_s >= self._check_s:
            self._checked_s = now_s
            self._checks.run()

    def _step(self, stop: threading.Event) -> float:
        # More moves may follow soon: a layout requests the next as soon as one has ended.
        return self._pause_s / 10 if self.run_once(stop) else self._pause_s
