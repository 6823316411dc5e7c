"""Waiting for the index workers ends while a bucket refuses writes, and says so."""

import threading
from typing import Any

import pytest

from amp.ports.event_queue import Topic
from amp.services.await_indexed import AwaitIndexed
from amp.services.index_assets import INDEX_GROUP
from amp.services.retry_queue import RETRY_GROUP
from amp.services.runtime.retry import Stopped


class _Queue:
    """Workers commit one event of each topic at each look; live traffic keeps as many waiting in `retry`."""

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting
        self._committed = {(Topic.REALTIME, INDEX_GROUP): 0, (Topic.RETRY, RETRY_GROUP): 0}

    def mark(self, topic: Topic) -> str:
        return "2" if topic is Topic.REALTIME else str(self._waiting)

    def passed(self, topic: Topic, group: str, mark: str) -> bool:
        self._committed[topic, group] += 1
        return self._committed[topic, group] >= int(mark)

    def lag(self, topic: Topic, group: str) -> int:
        assert (topic, group) == (Topic.RETRY, RETRY_GROUP)
        return self._waiting


class _Stop(threading.Event):
    """Set after so many pauses, which take no time."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.left = pauses

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nobody waits here
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("waiting", "all_indexed"), [(0, True), (3, False)])
def test_waiting_ends_and_tells_whether_changes_wait_for_a_bucket(waiting: int, all_indexed: bool) -> None:
    queue: Any = _Queue(waiting)
    assert AwaitIndexed(queue).wait(_Stop(10)) is all_indexed


def test_waiting_for_workers_that_do_nothing_can_be_stopped() -> None:
    queue: Any = _Queue(100)
    with pytest.raises(Stopped):
        AwaitIndexed(queue).wait(_Stop(5))
