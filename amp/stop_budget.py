"""The time that a process has to stop, divided among the steps of stopping."""

import time

#: How long after the end of the budget a process that still runs is killed, in seconds.
KILL_AFTER_S = 2


class StopBudget:
    """A budget that begins when it is created. All steps together end in time, however long each of them takes."""

    def __init__(self, total_s: float) -> None:
        self._deadline_s = time.monotonic() + total_s

    def left_s(self, share: float = 1.0) -> float:
        """Return this share of the remaining time, in seconds; never negative."""
        return max(0.0, self._deadline_s - time.monotonic()) * share
