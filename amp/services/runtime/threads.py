"""Background threads: started, restarted after a failure, counted, and visible to operators."""

import threading
from dataclasses import dataclass, field

import structlog

from amp.ports.background import Loop
from amp.ports.clock import Clock
from amp.ports.metrics import ThreadMetrics
from amp.services.runtime.retry import Backoff

_log = structlog.get_logger(__name__)
#: A thread counts as failing until it has run for this time without another failure, in seconds.
_RECOVERED_S = 60.0
_RESTARTS = Backoff(first_s=0.5, max_s=30.0)


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A background thread as operators see it."""

    name: str
    failures: int  #: unexpected errors since it was started
    reason: str  #: reason of the last failure; "" if there was none or the thread has recovered

    @property
    def healthy(self) -> bool:
        return not self.reason


@dataclass(frozen=True, kw_only=True)
class BackgroundThreads:
    """The background threads of one process; a `Background`."""

    clock: Clock
    metrics: ThreadMetrics
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _running: "list[_Supervised]" = field(default_factory=list, init=False)

    def start(self, name: str, loop: Loop, stop: threading.Event, *, restarts: Backoff = _RESTARTS) -> threading.Thread:
        """Run `loop(stop)` in a daemon thread. Its exceptions are logged and counted, and it is restarted after a
        growing pause. When it returns, the thread ends."""
        supervised = _Supervised(name, loop, stop, restarts, self.clock, self.metrics)
        thread = threading.Thread(target=self._run, args=(supervised,), name=name, daemon=True)
        with self._lock:
            self._running.append(supervised)
        thread.start()
        return thread

    def states(self) -> list[ThreadState]:
        """Return the running threads, in the order in which they were started."""
        with self._lock:
            return [supervised.state() for supervised in self._running]

    def _run(self, supervised: "_Supervised") -> None:
        try:
            supervised.run()
        finally:
            with self._lock:
                self._running.remove(supervised)


@dataclass(eq=False, slots=True)
class _Supervised:
    name: str
    loop: Loop
    stop: threading.Event
    restarts: Backoff
    clock: Clock
    metrics: ThreadMetrics
    failures: int = 0
    failed_s: float = float("-inf")
    reason: str = ""

    def run(self) -> None:
        in_a_row = 0
        while not self.stop.is_set():
            began_s = self.clock.monotonic_s()
            try:
                self.loop(self.stop)
                return
            except Exception as e:  # noqa: BLE001 - whatever is wrong, a thread that is not running helps nobody
                self.failed_s = self.clock.monotonic_s()
                self.failures += 1
                self.reason = repr(e)
                in_a_row = 1 if self.failed_s - began_s > _RECOVERED_S else in_a_row + 1
                pause_s = self.restarts.pause_s(in_a_row)
                _log.exception("thread failed", action="thread_failed", thread=self.name, again_in_s=round(pause_s, 1))
                self.metrics.thread_failed(self.name)
            self.stop.wait(pause_s)

    def state(self) -> ThreadState:
        recovered = self.clock.monotonic_s() - self.failed_s > _RECOVERED_S
        return ThreadState(self.name, self.failures, "" if recovered else self.reason)
