"""Waits until the index workers are past everything that has happened so far."""

import threading

from amp.ports.clock import Clock
from amp.ports.event_queue import EventQueue, Topic
from amp.services.index_assets import INDEX_GROUP
from amp.services.retry_queue import RETRY_GROUP
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_EVERY = Backoff(first_s=0.25, max_s=0.25)


class AwaitIndexed:
    def __init__(self, queue: EventQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def wait(self, stop: threading.Event) -> None:
        """Return once every event that is in the queue now is indexed, as long as that takes.

        :raises Stopped: `stop` was set first.
        """
        mark = retry_until_stopped(lambda: self._queue.mark(Topic.REALTIME), stop, "indexing mark", _EVERY)
        while not retry_until_stopped(lambda: self._passed(mark), stop, "indexing mark", _EVERY):
            if stop.wait(_EVERY.pause_s(1)):
                raise Stopped

    def _passed(self, mark: str) -> bool:
        # What waits for a bucket that refuses writes has left the topic of live traffic.
        return self._queue.passed(Topic.REALTIME, INDEX_GROUP, mark) and not self._queue.lag(Topic.RETRY, RETRY_GROUP)
