"""Waiting for the index workers ends while a bucket refuses writes, and says so."""

import threading

import pytest

from amp.errors import IndexingStalled
from amp.ports.message_queue import Topic
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.indexing.retry_queue import RETRY_GROUP
from amp.services.indexing.wait import IndexingWait
from amp.services.runtime.retry import Stopped
from tests.support.clock import ManualClock


class _Queue:
    """Workers commit one event of each topic at each look, up to `most`; live traffic keeps as many waiting in `retry`
    as there are at first."""

    def __init__(self, waiting: int, most: int = 1_000) -> None:
        self._waiting = waiting
        self.most = most
        self._committed = {(Topic.REALTIME, INDEX_GROUP): 0, (Topic.RETRY, RETRY_GROUP): 0}

    def mark(self, topic: Topic) -> str:
        return "200" if topic is Topic.REALTIME else str(self._waiting)

    def behind(self, topic: Topic, group: str, mark: str) -> int:
        committed = self._committed[topic, group] = min(self._committed[topic, group] + 1, self.most)
        return max(0, int(mark) - committed)

    def lag(self, topic: Topic, group: str) -> int:
        assert (topic, group) == (Topic.RETRY, RETRY_GROUP)
        return self._waiting


class _Stop(threading.Event):
    """Set after so many pauses, which go by on the clock alone."""

    def __init__(self, clock: ManualClock, pauses: int = 1_000) -> None:
        super().__init__()
        self._clock = clock
        self.left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.sleep(timeout or 0)
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("waiting", "all_indexed"), [(0, True), (3, False)])
def test_waiting_ends_and_says_whether_changes_wait_for_a_bucket(waiting: int, all_indexed: bool) -> None:
    clock, queue = ManualClock(), _Queue(waiting)
    indexed = IndexingWait(queue=queue, clock=clock)  # type: ignore[arg-type]
    assert indexed.wait(_Stop(clock)) is all_indexed
    assert clock.now_s > 30, "as long as workers get on, it may take longer than the patience with those that do not"


def test_waiting_for_workers_can_be_stopped() -> None:
    clock, queue = ManualClock(), _Queue(100)
    with pytest.raises(Stopped):
        IndexingWait(queue=queue, clock=clock).wait(_Stop(clock, 5))  # type: ignore[arg-type]


def test_idle_workers_are_not_waited_for_until_they_make_progress() -> None:
    clock, queue = ManualClock(), _Queue(0, most=10)
    indexed = IndexingWait(queue=queue, clock=clock)  # type: ignore[arg-type]
    for longest_s in (40, 3, 3):
        began_s = clock.now_s
        with pytest.raises(IndexingStalled):
            indexed.wait(_Stop(clock))
        assert clock.now_s - began_s < longest_s
    queue.most = 1_000
    assert indexed.wait(_Stop(clock))
    queue.most = 0
    began_s = clock.now_s
    with pytest.raises(IndexingStalled):
        indexed.wait(_Stop(clock))
    assert clock.now_s - began_s > 30
