"""The time that a process has for its stop, divided among the steps of the stop."""

import time

#: What is left of a process so many seconds after the end of its stop is killed.
KILL_AFTER_S = 2


class StopBudget:
    """Begins when it is made. However long each step takes, all of them together end in time."""

    def __init__(self, total_s: float) -> None:
        self._deadline_s = time.monotonic() + total_s

    def left_s(self, share: float = 1.0) -> float:
        """This share of what is left, never negative."""
        return max(0.0, self._deadline_s - time.monotonic()) * share
