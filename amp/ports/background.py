"""Background threads of a process, for the services and adapters that need one."""

import threading
from collections.abc import Callable
from typing import Protocol

#: Runs until the event is set, or until it has nothing left to do.
Loop = Callable[[threading.Event], None]


class Background(Protocol):
    def start(self, name: str, loop: Loop, stop: threading.Event) -> threading.Thread:
        """Run `loop(stop)` in a daemon thread, which operators see under `name`. If the loop raises, it is started
        again. If it returns, the thread ends.
        """
        ...
