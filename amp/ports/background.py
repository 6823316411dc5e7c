"""Threads that work in the background of a process, for services and adapters that need one."""

import threading
from collections.abc import Callable
from typing import Protocol

#: Runs until the event is set, or until it has nothing left to do.
Loop = Callable[[threading.Event], None]


class Background(Protocol):
    def start(self, name: str, loop: Loop, stop: threading.Event) -> threading.Thread:
        """Run `loop(stop)` in a daemon thread that is visible to operators under `name`. When the loop raises, it is
        started again; when it returns, the thread ends."""
        ...
