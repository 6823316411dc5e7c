"""The time, as the services read it."""

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the wall-clock time in milliseconds since 1970 (UTC). It may be set back."""
        ...

    def monotonic_s(self) -> float:
        """Return the seconds on a clock that is never set back. Only differences between readings matter."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for about `seconds`."""
        ...
