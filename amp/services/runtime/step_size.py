"""How many things of unknown size are read and held at once, so that they take a bounded number of bytes."""

from collections import deque
from collections.abc import Iterator
from typing import TypeVar

_T = TypeVar("_T")
#: What the things of one step may take together.
STEP_BYTES = 16 * 1024 * 1024
#: A step is no longer, however small things were of late: the next may all be large.
_MAX_COUNT = 128
#: Of steps whose reader stops once it has read enough.
MAX_COUNT_READ_WHILE_SMALL = 512
#: Nor is the one after the first thing of all longer than this.
_SECOND_COUNT = 64


class StepSize:
    """A step takes as many as fit if each is as large as the largest of late, which is forgotten within a few steps.

    Before any were seen, one goes alone: nothing is known of its size. Only the first step after small things may take
    more bytes, if at once many are large: as many as the most things of a step take.
    """

    def __init__(self, step_bytes: int = STEP_BYTES, max_count: int = _MAX_COUNT) -> None:
        self._step_bytes = step_bytes
        self._max_count = max_count
        self._largest = step_bytes
        self._first = True

    def count(self) -> int:
        """How many to read next."""
        return max(1, min(self._max_count, self._step_bytes // self._largest))

    def note(self, largest: int) -> None:
        """So large was the largest of one step; a step of nothing says nothing."""
        if largest:
            remembered = self._step_bytes // _SECOND_COUNT if self._first else self._largest // 4
            self._largest = max(largest, remembered, 1)
            self._first = False

    def steps(self, things: deque[_T]) -> Iterator[list[_T]]:
        """All of them, in steps whose size follows what is noted meanwhile. They are taken from `things`; what a step
        leaves over may be put back there."""
        while things:
            yield [things.popleft() for _ in range(min(self.count(), len(things)))]
