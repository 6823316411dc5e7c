"""How fast a job may go: at most its rate, and slower while live traffic waits."""

from collections.abc import Callable

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.services.runtime.rate_limit import TokenBucket

_FIRST, _LEAST = 200.0, 10.0  #: assets a second
_LOOK_S = 0.5
_FASTER, _SLOWER = 1.15, 0.5
#: Smaller steps cost more than they bring, unless the pace itself is small.
_STEP = 50


class JobPace:
    """While more live events wait than `most_waiting`, or nobody can tell how many wait, the pace halves every half
    second; otherwise it grows by 15 % every half second, up to the job's rate.

    A job without a rate goes as fast as it can, whatever waits.
    """

    def __init__(self, clock: Clock, waiting: Callable[[], int], most_waiting: int) -> None:
        self._clock = clock
        self._waiting = waiting
        self._most_waiting = most_waiting
        self._pace = _FIRST
        self._bucket = TokenBucket(clock)
        self._looked_s = clock.monotonic_s()

    def room(self, rate: float | None, wanted: int) -> int:
        """How many of `wanted` assets may be taken up now, at that rate at most (None: all of them)."""
        if rate is None:
            self._bucket.forget()
            return wanted
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._look(rate)
        pace = min(rate, self._pace)
        room = min(wanted, int(self._bucket.available(pace)))
        # Half of what there is room for at most, so that nothing is lost between two calls.
        return room if room >= min(wanted, max(1, min(_STEP, int(pace / 2)))) else 0

    def took(self, count: int) -> None:
        self._bucket.take(count)

    def _look(self, rate: float) -> None:
        try:
            busy = self._waiting() > self._most_waiting
        except Retryable:
            busy = True
        self._pace = max(self._pace * _SLOWER, _LEAST) if busy else min(self._pace * _FASTER, rate)
