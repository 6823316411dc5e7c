"""Marks: every queue tells whether a group is done with all that was published before one."""

import uuid

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Consumer, Delivery, Topic
from tests.contract.queue_sets import QueueSet, make_queue_set  # noqa: F401 - the fixture `queue_set`
from tests.stack.waiting import wait_until

DEADLINE_S = 30


def events(count: int, asset_id: uuid.UUID | None = None) -> list[AssetChanged]:
    """Of one asset, in order, or of as many assets as events."""
    return [
        AssetChanged(asset_id=asset_id or uuid.uuid4(), version=n, revision=n, scope=Scope.HEAD, change_id=uuid.uuid4())
        for n in range(1, count + 1)
    ]


def put(queue_set: QueueSet, sent: list[AssetChanged], topic: Topic = Topic.REALTIME) -> None:
    queue_set.queue.publish(topic, sent)
    assert queue_set.queue.flush(DEADLINE_S)


def take(consumer: Consumer, count: int) -> list[Delivery]:
    taken: list[Delivery] = []

    def has_all() -> bool:
        taken.extend(consumer.poll(count - len(taken), 0.2))
        return len(taken) == count

    wait_until(has_all, DEADLINE_S, f"{count} deliveries", every_s=0)
    return taken


def has_passed(queue_set: QueueSet, mark: str, group: str = "index", topic: Topic = Topic.REALTIME) -> bool:
    """As every client tells it."""
    told = {queue.behind(topic, group, mark) == 0 for queue in (queue_set.queue, queue_set.another())}
    assert len(told) == 1
    return told.pop()


def test_a_mark_of_an_empty_topic_is_passed_by_every_group(queue_set: QueueSet) -> None:
    mark = queue_set.queue.mark(Topic.REALTIME)
    assert has_passed(queue_set, mark)
    assert has_passed(queue_set, mark, group="audit")


def test_a_mark_is_passed_once_all_that_lies_before_it_is_committed(queue_set: QueueSet) -> None:
    put(queue_set, events(20))
    mark = queue_set.another().mark(Topic.REALTIME)
    assert not has_passed(queue_set, mark)
    consumer = queue_set.queue.consume(Topic.REALTIME, "index")
    taken = take(consumer, 20)
    assert not has_passed(queue_set, mark)
    consumer.commit(taken)
    assert has_passed(queue_set, mark)
    consumer.close()
    assert has_passed(queue_set, mark)


@pytest.mark.parametrize("committed", [1, 5, 9, 10])
def test_part_of_it_is_not_enough(queue_set: QueueSet, committed: int) -> None:
    put(queue_set, events(10, uuid.uuid4()))
    mark = queue_set.queue.mark(Topic.REALTIME)
    consumer = queue_set.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 10)[:committed])
    assert has_passed(queue_set, mark) is (committed == 10)
    consumer.close()


def test_what_is_published_after_a_mark_does_not_matter_to_it(queue_set: QueueSet) -> None:
    put(queue_set, events(5))
    early = queue_set.queue.mark(Topic.REALTIME)
    consumer = queue_set.queue.consume(Topic.REALTIME, "index")
    taken = take(consumer, 5)
    put(queue_set, events(5))
    late = queue_set.queue.mark(Topic.REALTIME)
    consumer.commit(taken)
    assert has_passed(queue_set, early)
    assert not has_passed(queue_set, late)
    consumer.commit(take(consumer, 5))
    assert has_passed(queue_set, late)
    assert has_passed(queue_set, early)
    consumer.close()


def test_a_mark_is_passed_by_groups_one_by_one(queue_set: QueueSet) -> None:
    put(queue_set, events(5))
    mark = queue_set.queue.mark(Topic.REALTIME)
    consumer = queue_set.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 5))
    assert has_passed(queue_set, mark)
    assert not has_passed(queue_set, mark, group="audit")
    consumer.close()


def test_marks_of_one_topic_do_not_see_the_other(queue_set: QueueSet) -> None:
    put(queue_set, events(3), Topic.BULK)
    mark = queue_set.queue.mark(Topic.REALTIME)
    assert has_passed(queue_set, mark)
    assert not has_passed(queue_set, queue_set.queue.mark(Topic.BULK), topic=Topic.BULK)


def test_a_payload_that_is_no_event_lies_before_a_mark_like_any_other(queue_set: QueueSet) -> None:
    queue_set.put_raw(Topic.REALTIME, b"no event")
    mark = queue_set.queue.mark(Topic.REALTIME)
    assert not has_passed(queue_set, mark)
    consumer = queue_set.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 1))
    assert has_passed(queue_set, mark)
    consumer.close()
