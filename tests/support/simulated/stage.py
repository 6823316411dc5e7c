"""Threads that run one at a time, on request. They are reused across runs, because starting a thread is slow."""

import threading
from collections.abc import Callable


class Hand:
    """A thread that runs only while it holds the baton: between a cue and its next `wait`."""

    def __init__(self) -> None:
        self._cue = threading.Lock()
        self._cue.acquire()
        self._home = threading.Lock()
        self._home.acquire()
        self._work: Callable[[], None] | None = None
        threading.Thread(target=self._run, daemon=True, name="hand").start()

    @property
    def free(self) -> bool:
        return self._work is None

    def take(self, work: Callable[[], None]) -> None:
        """Do that at the next cue. It consumes every cue but the one that begins it by `wait`, the last by its end."""
        self._work = work

    def go(self) -> None:
        self._cue.release()

    def wait(self) -> None:
        self._cue.acquire()

    def finish(self) -> None:
        """The last cue; on return the work has ended."""
        self._cue.release()
        self._home.acquire()
        self._work = None

    def _run(self) -> None:
        while True:
            self._cue.acquire()
            assert self._work is not None
            self._work()
            self._home.release()


class Stage:
    """The hands of this process, and the bell that tells whoever started a run that it is over."""

    def __init__(self) -> None:
        self._hands: list[Hand] = []
        self._bell = threading.Lock()
        self._bell.acquire()

    def hand(self, work: Callable[[], None]) -> Hand:
        found = next((hand for hand in self._hands if hand.free), None)
        if found is None:
            found = Hand()
            self._hands.append(found)
        found.take(work)
        return found

    def ring(self) -> None:
        self._bell.release()

    def wait(self) -> None:
        self._bell.acquire()
