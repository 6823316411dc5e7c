"""Paces a job: at most its rate, and slower while live traffic waits."""

from collections.abc import Callable

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.services.runtime.rate_limit import TokenBucket

_FIRST, _MIN = 200.0, 10.0  #: assets per second
_ADAPT_EVERY_S = 0.5
_FASTER, _SLOWER = 1.15, 0.5
#: Minimum step; smaller ones cost too much, unless the pace itself is small.
_STEP = 50


class JobPace:
    """Determines how many assets a job may start. While more change messages wait than `max_waiting`, or their number
    is unknown, the pace halves every half second. Otherwise it grows by 15 % every half second, up to the job's rate.

    A job without a rate is not paced.
    """

    def __init__(self, clock: Clock, waiting: Callable[[], int], max_waiting: int) -> None:
        self._clock = clock
        self._waiting = waiting
        self._max_waiting = max_waiting
        self._pace = _FIRST
        self._bucket = TokenBucket(clock)
        self._checked_s = clock.monotonic_s()

    def room(self, rate: float | None, wanted: int) -> int:
        """Return how many of `wanted` assets may be started now at this rate (None: all of them)."""
        if rate is None:
            self._bucket.forget()
            return wanted
        now_s = self._clock.monotonic_s()
        if now_s - self._checked_s >= _ADAPT_EVERY_S:
            self._checked_s = now_s
            self._adapt(rate)
        pace = min(rate, self._pace)
        room = min(wanted, int(self._bucket.available(pace)))
        # At most half of the room, so that no tokens overflow between two calls.
        return room if room >= min(wanted, max(1, min(_STEP, int(pace / 2)))) else 0

    def consume(self, count: int) -> None:
        """Record that this number of assets was started."""
        self._bucket.take(count)

    def _adapt(self, rate: float) -> None:
        try:
            busy = self._waiting() > self._max_waiting
        except Retryable:
            busy = True
        self._pace = max(self._pace * _SLOWER, _MIN) if busy else min(self._pace * _FASTER, rate)
