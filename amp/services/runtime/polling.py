"""The loop of a worker that polls for work."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from amp.errors import Retryable
from amp.services.runtime.retry import Backoff

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingLoop:
    """Calls `step` until it is stopped. A `Retryable` error is logged and followed by a growing pause. Any other error
    ends the loop; the supervisor of the thread restarts it."""

    name: str
    step: Callable[[threading.Event], float]  #: does the work and returns the pause until the next call, in seconds
    backoff: Backoff

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set."""
        failures = 0
        while not stop.is_set():
            try:
                pause_s, failures = self.step(stop), 0
            except Retryable as e:
                failures += 1
                pause_s = self.backoff.pause_s(failures)
                _log.warning(f"{self.name} retrying", action=f"{self.name}_retrying", attempts=failures, reason=str(e))
            stop.wait(pause_s)
