"""The bucket worker's loop: makes the recorded moves, watches sizes, and keeps map and search index in step."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.leases import Leases
from amp.services.run_moves import RunMoves

_log = structlog.get_logger(__name__)
_LEASE = "buckets"
_LEASE_S = 30
_LONGEST_PAUSE_S = 5.0
_LATELY_S = 3.0


class RunBucketWorker:
    """One at a time by a lease, to save work: two at once do no harm.

    `checks` are what has to be looked after every `check_s` seconds, in their order.
    """

    def __init__(
        self,
        mover: RunMoves,
        checks: Sequence[Callable[[], object]],
        leases: Leases,
        clock: Clock,
        *,
        holder: str,
        check_s: float,
        pause_s: float = 1.0,
    ) -> None:
        self._mover = mover
        self._checks = checks
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._check_s = check_s
        self._pause_s = pause_s
        self._checked_s = self._moved_s = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a move under way is left to whoever comes next."""
        failures, moved = 0, False
        while not stop.is_set():
            try:
                moved = self.run_once(stop)
                failures = 0
            except Retryable as e:
                failures += 1
                _log.warning("bucket worker waits", action="buckets_wait", reason=str(e))
            # Moves seldom come alone: a layout asks for the next as soon as one has ended.
            pause_s = self._pause_s / 10 if moved else self._pause_s
            pause_s = pause_s if not failures else min(0.1 * 2**failures, _LONGEST_PAUSE_S)
            stop.wait(pause_s * random.uniform(0.8, 1.2))
        try:
            self._leases.release(_LEASE, self._holder)
        except Retryable as e:
            _log.info("lease not released", action="lease_kept", reason=str(e))

    def run_once(self, stop: threading.Event) -> bool:
        """Whatever is to be done now, if no other worker does it; whether a move was made lately.

        :raises Retryable: a part does not answer; come again.
        """
        if not self._leases.acquire(_LEASE, self._holder, _LEASE_S):
            return False
        with self._kept():
            if self._mover.advance(stop):
                self._moved_s = self._clock.monotonic_s()
            now_s = self._clock.monotonic_s()
            if now_s - self._checked_s >= self._check_s:
                for check in self._checks:
                    check()
                self._checked_s = now_s
        return now_s - self._moved_s < _LATELY_S

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """A move may take hours: the lease is renewed meanwhile."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(_LEASE_S / 3):
                try:
                    self._leases.acquire(_LEASE, self._holder, _LEASE_S)
                except Retryable as e:
                    _log.info("lease not renewed", action="lease_not_renewed", reason=str(e))

        keeper = threading.Thread(target=renew, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()
