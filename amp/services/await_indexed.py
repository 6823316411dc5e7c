"""Waits until the index workers are past everything that has happened so far."""

import threading

from amp.ports.event_queue import EventQueue, Topic
from amp.services.index_assets import INDEX_GROUP
from amp.services.retry_queue import RETRY_GROUP
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_EVERY = Backoff(first_s=0.25, max_s=0.25)


class AwaitIndexed:
    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue

    def wait(self, stop: threading.Event) -> bool:
        """Return once the index workers have tried every event that is in the queue now, as long as that takes. True:
        all of them are indexed. False: some may still wait for a bucket that refuses writes.

        :raises Stopped: `stop` was set first.
        """
        self._wait(Topic.REALTIME, INDEX_GROUP, stop)
        # What was set aside was published there before it was committed in the topic of live traffic.
        self._wait(Topic.RETRY, RETRY_GROUP, stop)
        # What is refused again is published behind the mark before it is committed, so it counts here.
        return not retry_until_stopped(lambda: self._queue.lag(Topic.RETRY, RETRY_GROUP), stop, "indexing mark", _EVERY)

    def _wait(self, topic: Topic, group: str, stop: threading.Event) -> None:
        mark = retry_until_stopped(lambda: self._queue.mark(topic), stop, "indexing mark", _EVERY)
        while not retry_until_stopped(lambda: self._queue.passed(topic, group, mark), stop, "indexing mark", _EVERY):
            if stop.wait(_EVERY.pause_s(1)):
                raise Stopped
