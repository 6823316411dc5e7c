"""A token bucket for a rate that may change at any time."""

from amp.ports.clock import Clock


class TokenBucket:
    """Limits a rate by tokens. They accrue at `rate` per second. Tokens that are not taken within a second are lost, so
    that none pile up during a pause.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = 0.0
        self._filled_s = clock.monotonic_s()

    def available(self, rate: float, burst: float = 1.0) -> float:
        """Return the number of tokens that may be taken now.

        :param rate: tokens per second since the last call.
        :param burst: tokens that may accrue even if that takes longer than a second.
        """
        now_s = self._clock.monotonic_s()
        self._tokens = min(self._tokens + (now_s - self._filled_s) * rate, max(rate, burst))
        self._filled_s = now_s
        return self._tokens

    def take(self, count: float) -> None:
        """Take tokens. Taking more than are available is allowed and delays later takers."""
        self._tokens -= count

    def forget(self) -> None:
        """Start again without tokens."""
        self._tokens, self._filled_s = 0.0, self._clock.monotonic_s()
