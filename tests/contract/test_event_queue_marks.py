"""Marks: every queue tells whether a group is done with all that was published before one."""

import uuid

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Consumer, Delivery, Topic
from tests.support.queues.profiles import QueueProfile, make_queue_profile  # noqa: F401 - the fixture `queue_profile`
from tests.support.stack.waiting import wait_until

DEADLINE_S = 30


def events(count: int, asset_id: uuid.UUID | None = None) -> list[AssetChanged]:
    """Of one asset, in order, or of as many assets as events."""
    return [
        AssetChanged(asset_id=asset_id or uuid.uuid4(), version=n, revision=n, scope=Scope.HEAD, change_id=uuid.uuid4())
        for n in range(1, count + 1)
    ]


def put(queue_profile: QueueProfile, sent: list[AssetChanged], topic: Topic = Topic.REALTIME) -> None:
    queue_profile.queue.publish(topic, sent)
    assert queue_profile.queue.flush(DEADLINE_S)


def take(consumer: Consumer, count: int) -> list[Delivery]:
    taken: list[Delivery] = []

    def has_all() -> bool:
        taken.extend(consumer.poll(count - len(taken), 0.2))
        return len(taken) == count

    wait_until(has_all, DEADLINE_S, f"{count} deliveries", every_s=0)
    return taken


def has_passed(queue_profile: QueueProfile, mark: str, group: str = "index", topic: Topic = Topic.REALTIME) -> bool:
    """As every client tells it."""
    reported = {queue.behind(topic, group, mark) == 0 for queue in (queue_profile.queue, queue_profile.another())}
    assert len(reported) == 1
    return reported.pop()


def test_a_mark_of_an_empty_topic_is_passed_by_every_group(queue_profile: QueueProfile) -> None:
    mark = queue_profile.queue.mark(Topic.REALTIME)
    assert has_passed(queue_profile, mark)
    assert has_passed(queue_profile, mark, group="audit")


def test_a_mark_is_passed_once_all_that_lies_before_it_is_committed(queue_profile: QueueProfile) -> None:
    put(queue_profile, events(20))
    mark = queue_profile.another().mark(Topic.REALTIME)
    assert not has_passed(queue_profile, mark)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    taken = take(consumer, 20)
    assert not has_passed(queue_profile, mark)
    consumer.commit(taken)
    assert has_passed(queue_profile, mark)
    consumer.close()
    assert has_passed(queue_profile, mark)


@pytest.mark.parametrize("committed", [1, 5, 9, 10])
def test_part_of_it_is_not_enough(queue_profile: QueueProfile, committed: int) -> None:
    put(queue_profile, events(10, uuid.uuid4()))
    mark = queue_profile.queue.mark(Topic.REALTIME)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 10)[:committed])
    assert has_passed(queue_profile, mark) is (committed == 10)
    consumer.close()


def test_what_is_published_after_a_mark_does_not_matter_to_it(queue_profile: QueueProfile) -> None:
    put(queue_profile, events(5))
    early = queue_profile.queue.mark(Topic.REALTIME)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    taken = take(consumer, 5)
    put(queue_profile, events(5))
    late = queue_profile.queue.mark(Topic.REALTIME)
    consumer.commit(taken)
    assert has_passed(queue_profile, early)
    assert not has_passed(queue_profile, late)
    consumer.commit(take(consumer, 5))
    assert has_passed(queue_profile, late)
    assert has_passed(queue_profile, early)
    consumer.close()


def test_a_mark_is_passed_by_groups_one_by_one(queue_profile: QueueProfile) -> None:
    put(queue_profile, events(5))
    mark = queue_profile.queue.mark(Topic.REALTIME)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 5))
    assert has_passed(queue_profile, mark)
    assert not has_passed(queue_profile, mark, group="audit")
    consumer.close()


def test_marks_of_one_topic_do_not_see_the_other(queue_profile: QueueProfile) -> None:
    put(queue_profile, events(3), Topic.BULK)
    mark = queue_profile.queue.mark(Topic.REALTIME)
    assert has_passed(queue_profile, mark)
    assert not has_passed(queue_profile, queue_profile.queue.mark(Topic.BULK), topic=Topic.BULK)


def test_a_payload_that_is_no_event_lies_before_a_mark_like_any_other(queue_profile: QueueProfile) -> None:
    queue_profile.put_raw(Topic.REALTIME, b"no event")
    mark = queue_profile.queue.mark(Topic.REALTIME)
    assert not has_passed(queue_profile, mark)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    consumer.commit(take(consumer, 1))
    assert has_passed(queue_profile, mark)
    consumer.close()
