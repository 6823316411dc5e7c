"""The one place that waits: a condition polled until a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.support.stack.errors import StackError


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.1) -> None:
    """Returns as soon as `condition()` is true.

    :raises StackError: it was still false after `timeout_s`; names `what` was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            raise StackError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(every_s)
