"""Chooses how many items of unknown size to read at once, so that they take a bounded number of bytes."""

from collections import deque
from collections.abc import Iterator
from typing import TypeVar

_T = TypeVar("_T")
#: Maximum size of the items of one step, in bytes.
STEP_BYTES = 16 * 1024 * 1024
#: Maximum items of a step, even if items were small recently: the next may all be large.
_MAX_COUNT = 128
#: Maximum items of a step whose reader stops once it has read enough bytes.
MAX_COUNT_READ_WHILE_SMALL = 512
#: Maximum items of the step after the very first item.
_SECOND_COUNT = 64


class StepSize:
    """Adapts the number of items of a step to their size. A step takes as many items as fit if each is as large as the
    largest recent one, which is forgotten within a few steps.

    The first step is one item, because no size is known. Only the first step after small items may exceed the size, if
    suddenly many items are large.
    """

    def __init__(self, step_bytes: int = STEP_BYTES, max_count: int = _MAX_COUNT) -> None:
        self._step_bytes = step_bytes
        self._max_count = max_count
        self._largest = step_bytes
        self._first = True

    def count(self) -> int:
        """Return the number of items to read next."""
        return max(1, min(self._max_count, self._step_bytes // self._largest))

    def note(self, largest: int) -> None:
        """Record the size of the largest item of a step; 0 if the step had none."""
        if largest:
            remembered = self._step_bytes // _SECOND_COUNT if self._first else self._largest // 4
            self._largest = max(largest, remembered, 1)
            self._first = False

    def steps(self, things: deque[_T]) -> Iterator[list[_T]]:
        """Yield all items of `things` in steps. The number of items of a step follows the sizes that were noted before
        it. The caller may put back items that it did not process.
        """
        while things:
            yield [things.popleft() for _ in range(min(self.count(), len(things)))]
