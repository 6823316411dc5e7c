"""Limits how many messages of a topic become dead letters, so that one mistake does not discard everything."""

from collections import deque
from collections.abc import Sequence

#: Number of latest messages over which the share is computed, once there are as many.
WINDOW = 1_000


class DeadLetterLimit:
    """Remembers which of the latest messages became dead letters. A field that the index rejects, for example, would
    otherwise turn every change of live traffic into a dead letter.

    The idea is that of Arroyo's `DlqLimit` (max_consecutive_count, max_invalid_ratio).
    """

    def __init__(self, max_in_row: int, max_share: float) -> None:
        """:param max_in_row: dead letters without any other message between them.
        :param max_share: dead letters among the last `WINDOW` messages, from 0 to 1.
        """
        self._max_in_row = max_in_row
        self._max_share = max_share
        self._in_row = 0
        self._latest: deque[bool] = deque(maxlen=WINDOW)

    def admit(self, failed: Sequence[bool]) -> str | None:
        """Count messages that were handled, in order; `failed` says of each whether it is to become a dead letter.

        Return None if they may become dead letters. Otherwise return why not, and count none of them.
        """
        in_row, latest = self._in_row, self._latest.copy()
        for has_failed in failed:
            in_row = in_row + 1 if has_failed else 0
            latest.append(has_failed)
            if in_row > self._max_in_row:
                return f"more than {self._max_in_row:,} messages in a row would become dead letters"
            if len(latest) == WINDOW and has_failed and sum(latest) > self._max_share * WINDOW:
                return f"more than {self._max_share:.0%} of the last {WINDOW:,} messages would be dead letters"
        self._in_row, self._latest = in_row, latest
        return None
