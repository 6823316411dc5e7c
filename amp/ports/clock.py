"""Time as the services see it."""

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Wall clock: milliseconds since 1970, UTC. May step back."""
        ...

    def monotonic_s(self) -> float:
        """Seconds on a clock that never steps back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after about `seconds`."""
        ...
