"""Waits until the index workers are past everything that has happened so far."""

import random
import threading

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.event_queue import EventQueue, Topic
from amp.services.index_assets import INDEX_GROUP
from amp.services.runtime.retry import Stopped

_PAUSE_S = 0.2


class AwaitIndexed:
    def __init__(self, queue: EventQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def wait(self, stop: threading.Event) -> None:
        """Return once every event that is in the queue now is indexed, as long as that takes.

        :raises Stopped: `stop` was set first.
        """
        mark = None
        while True:
            try:
                mark = mark or self._queue.mark(Topic.REALTIME)
                if self._queue.passed(Topic.REALTIME, INDEX_GROUP, mark):
                    return
            except Retryable:
                pass
            if stop.wait(_PAUSE_S * random.uniform(0.8, 1.2)):
                raise Stopped
