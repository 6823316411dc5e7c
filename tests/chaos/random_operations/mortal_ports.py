"""Ports of a process that can be killed: from some step on every call raises, and what was half done stays so."""

import threading
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

from amp.ports.background import Loop
from amp.profiles import Adapters
from amp.services.runtime.threads import BackgroundThreads

#: Of no port, or needed to free what a dead process would free by ending.
_IMMORTAL = {"clock", "components", "closers"}
_FREES = {"close", "flush"}


class Killed(BaseException):
    """The process is dead; nothing that it runs may catch this."""


class Life:
    """Of one process: it takes a step before and after each call of a port."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._left: int | None = None  #: steps until it is killed
        self._fatal = ""  #: the call at which it is killed
        self._under_way = 0
        self._changed = threading.Condition()

    def end(self, steps: int, fatal: str, longest_s: float) -> None:
        """Kill it at one of its next steps, or before it makes the call `fatal`, or when neither happens for long."""
        with self._changed:
            self._left, self._fatal = steps, fatal
        self.over.wait(longest_s)
        self.over.set()

    def begin_call(self, name: str) -> None:
        """:raises Killed: before the call did anything."""
        with self._changed:
            if name == self._fatal:
                self.over.set()
            self._step()
            self._under_way += 1

    def end_call(self) -> None:
        """:raises Killed: the call did its work, and nobody learns of it."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()
            self._step()

    def wait_until_quiet(self, timeout_s: float) -> None:
        """Once it is over: until no call is under way any more, and connections can be closed."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._under_way == 0, timeout_s), "a call of a port does not end"

    def _step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.over.set()
        if self.over.is_set():
            raise Killed


class MortalPort:
    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return method if name in _FREES or not callable(method) else self._mortal(name, method)

    def _mortal(self, name: str, method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._life.begin_call(name)
            try:
                return method(*args, **kwargs)
            finally:
                self._life.end_call()

        return call


class MortalQueue(MortalPort):
    def consume(self, *args: Any) -> MortalPort:
        return MortalPort(self._port.consume(*args), self._life)


@dataclass(frozen=True, kw_only=True)
class MortalThreads(BackgroundThreads):
    """Threads that end with the process."""

    life: Life

    def start(self, name: str, loop: Loop, stop: threading.Event, **more: Any) -> threading.Thread:
        def mortal_loop(stop: threading.Event) -> None:
            with suppress(Killed):
                loop(stop)

        return super().start(name, mortal_loop, stop, **more)


def mortal(adapters: Adapters, life: Life) -> Adapters:
    """The same adapters, for as long as the process lives."""
    ports: dict[str, Any] = {
        field.name: port for field in fields(adapters) if (port := getattr(adapters, field.name)) is not None
    }
    mortals = {name: MortalPort(port, life) for name, port in ports.items() if name not in _IMMORTAL}
    return replace(adapters, **mortals | {"queue": MortalQueue(adapters.queue, life)})
