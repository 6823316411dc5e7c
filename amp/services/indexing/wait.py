"""Waits until the index workers are past everything that has happened so far."""

import threading
from dataclasses import dataclass, field

from amp.errors import IndexingStalled
from amp.ports.clock import Clock
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.indexing.retry_queue import RETRY_GROUP
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_EVERY = Backoff(first_s=0.25, max_s=0.25)
#: Index workers that commit nothing for so long do not run, or wait themselves.
_PATIENCE_S = 30.0
#: As long as they do not get on, whoever comes next waits no longer than this.
_SHORT_PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class IndexingWait:
    queue: MessageQueue
    clock: Clock
    #: Set after the index workers made no progress, until they do again.
    _stalled: threading.Event = field(default_factory=threading.Event, init=False)

    def wait(self, stop: threading.Event) -> bool:
        """Return once the index workers have tried every event that is in the queue now, as long as that takes. True:
        all of them are indexed. False: some may still wait for a bucket that refuses writes.

        :raises IndexingStalled: they have committed none of these events for 30 seconds; after that, for
            two, until they do again.
        :raises Stopped: `stop` was set first.
        """
        self._wait(Topic.REALTIME, INDEX_GROUP, stop)
        # What was set aside was published there before it was committed in the topic of live traffic.
        self._wait(Topic.RETRY, RETRY_GROUP, stop)
        # What is refused again is published behind the mark before it is committed, so it counts here.
        return not retry_until_stopped(lambda: self.queue.lag(Topic.RETRY, RETRY_GROUP), stop, "indexing mark", _EVERY)

    def _wait(self, topic: Topic, group: str, stop: threading.Event) -> None:
        mark = retry_until_stopped(lambda: self.queue.mark(topic), stop, "indexing mark", _EVERY)
        before, moved_s = None, self.clock.monotonic_s()
        while behind := retry_until_stopped(
            lambda: self.queue.behind(topic, group, mark), stop, "indexing mark", _EVERY
        ):
            if before is not None and behind < before:
                moved_s = self.clock.monotonic_s()
                self._stalled.clear()
            elif self.clock.monotonic_s() - moved_s > self._patience_s:
                self._stalled.set()
                raise IndexingStalled
            before = behind
            if stop.wait(_EVERY.pause_s(1)):
                raise Stopped
        self._stalled.clear()

    @property
    def _patience_s(self) -> float:
        return _SHORT_PATIENCE_S if self._stalled.is_set() else _PATIENCE_S
