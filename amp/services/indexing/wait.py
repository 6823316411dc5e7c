"""Waits until the index workers have processed all changes so far."""

import threading
from dataclasses import dataclass, field

from amp.errors import IndexingStalled
from amp.ports.clock import Clock
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.indexing.retry_queue import RETRY_GROUP
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_PAUSE = Backoff(first_s=0.25, max_s=0.25)
#: Index workers that commit nothing for this time, in seconds, are not running or are waiting themselves.
_PATIENCE_S = 30.0
#: While they make no progress, later callers wait at most this time, in seconds.
_SHORT_PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class IndexingWait:
    """Waits for the index workers, as long as they make progress."""

    queue: MessageQueue
    clock: Clock
    #: Set while the index workers make no progress.
    _stalled: threading.Event = field(default_factory=threading.Event, init=False)

    def wait(self, stop: threading.Event) -> bool:
        """Wait until the index workers have tried every change that is in the queue now, however long that takes.
        Return True if all are indexed, and False if some may still wait for a bucket that refuses writes.

        :raises IndexingStalled: they committed none of these changes for 30 seconds. Later calls wait only two seconds
            until the workers make progress again.
        :raises Stopped: `stop` was set first.
        """
        self._wait(Topic.REALTIME, INDEX_GROUP, stop)
        # Deferred changes were published there before they were committed in the topic of live traffic.
        self._wait(Topic.RETRY, RETRY_GROUP, stop)
        # Changes that are refused again are published behind the mark before they are committed, so they count here.
        return not retry_until_stopped(lambda: self.queue.lag(Topic.RETRY, RETRY_GROUP), stop, "indexing mark", _PAUSE)

    def _wait(self, topic: Topic, group: str, stop: threading.Event) -> None:
        mark = retry_until_stopped(lambda: self.queue.mark(topic), stop, "indexing mark", _PAUSE)
        before, moved_s = None, self.clock.monotonic_s()
        while behind := retry_until_stopped(
            lambda: self.queue.behind(topic, group, mark), stop, "indexing mark", _PAUSE
        ):
            if before is not None and behind < before:
                moved_s = self.clock.monotonic_s()
                self._stalled.clear()
            elif self.clock.monotonic_s() - moved_s > self._patience_s:
                self._stalled.set()
                raise IndexingStalled
            before = behind
            if stop.wait(_PAUSE.pause_s(1)):
                raise Stopped
        self._stalled.clear()

    @property
    def _patience_s(self) -> float:
        return _SHORT_PATIENCE_S if self._stalled.is_set() else _PATIENCE_S
