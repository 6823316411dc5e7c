"""A token bucket: how much may be taken now at a rate that may change at any time."""

from amp.ports.clock import Clock


class TokenBucket:
    """Tokens accrue at `rate` per second. What nobody takes within a second is lost, so that nothing piles up while
    its user pauses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = 0.0
        self._filled_s = clock.monotonic_s()

    def available(self, rate: float, burst: float = 1.0) -> float:
        """The tokens that may be taken now.

        :param rate: tokens per second since the last call.
        :param burst: tokens that may pile up even if that takes longer than a second.
        """
        now_s = self._clock.monotonic_s()
        self._tokens = min(self._tokens + (now_s - self._filled_s) * rate, max(rate, burst))
        self._filled_s = now_s
        return self._tokens

    def take(self, count: float) -> None:
        """Take tokens; more than are available is allowed and delays those who come next."""
        self._tokens -= count

    def forget(self) -> None:
        """Nothing has accrued so far."""
        self._tokens, self._filled_s = 0.0, self._clock.monotonic_s()
