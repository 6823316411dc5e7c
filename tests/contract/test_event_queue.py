"""What every event queue keeps: order per asset, at least once, commit after work."""

import threading
import time
import uuid

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import JobItem, Message
from amp.ports.message_queue import Topic
from tests.support.queues.events import (
    DEADLINE_S,
    QUIET_S,
    event,
    events_of,
    put,
    revisions,
    take,
    take_and_commit,
    unordered,
)
from tests.support.queues.profiles import QueueProfile, make_queue_profile  # noqa: F401 - the fixture `queue_profile`


def test_an_event_comes_out_as_it_went_in(queue_profile: QueueProfile) -> None:
    sent = [event(scope=Scope.HEAD), event(revision=7, scope=Scope.ALL)]
    put(queue_profile.queue, sent)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    assert unordered(take(consumer, 2)) == set(sent)
    assert consumer.poll(10, QUIET_S) == []
    consumer.close()


def test_an_event_of_a_job_comes_out_as_it_went_in(queue_profile: QueueProfile) -> None:
    job_id = uuid.uuid4()
    sent = [
        JobItem(job_id=job_id, chunk=0, asset_id=uuid.uuid4()),
        JobItem(job_id=job_id, chunk=2**31 - 1, asset_id=uuid.uuid4(), replayed=True),
    ]
    reported: list[JobItem] = []
    queue_profile.queue.publish(Topic.BULK, sent, reported.append)
    assert queue_profile.queue.flush(DEADLINE_S)
    consumer = queue_profile.queue.consume(Topic.BULK, "jobs")
    assert unordered(take(consumer, 2)) == set(sent)
    assert set(reported) == set(sent)
    consumer.close()


def test_events_of_one_asset_come_in_the_order_of_their_publishing(queue_profile: QueueProfile) -> None:
    assets = [uuid.uuid4() for _ in range(5)]
    sent = {asset_id: revisions(asset_id, 20) for asset_id in assets}
    for number in range(20):
        queue_profile.queue.publish(Topic.REALTIME, [sent[asset_id][number] for asset_id in assets])
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    got = events_of(take(consumer, 100, at_once=7))
    for asset_id in assets:
        assert [e for e in got if e is not None and e.asset_id == asset_id] == sent[asset_id]
    consumer.close()


def test_events_are_there_for_a_client_that_comes_later(queue_profile: QueueProfile) -> None:
    sent = [event() for _ in range(3)]
    put(queue_profile.queue, sent)
    consumer = queue_profile.another().consume(Topic.REALTIME, "index")
    assert unordered(take(consumer, 3)) == set(sent)
    consumer.close()


def test_a_poll_gives_no_more_than_it_was_asked_for(queue_profile: QueueProfile) -> None:
    put(queue_profile.queue, [event() for _ in range(10)])
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    seen = 0
    while seen < 10:
        batch = consumer.poll(3, DEADLINE_S)
        assert 1 <= len(batch) <= 3
        seen += len(batch)
    assert seen == 10
    consumer.close()


def test_a_poll_takes_what_is_there_at_once(queue_profile: QueueProfile) -> None:
    asset_id = uuid.uuid4()
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    put(queue_profile.queue, [event()])
    take(consumer, 1)
    put(queue_profile.queue, revisions(asset_id, 50))
    sizes = []
    while sum(sizes) < 50:
        sizes.append(len(consumer.poll(50, DEADLINE_S)))
    assert max(sizes) >= 10, f"batches of {sizes}: one network trip for each event"
    consumer.close()


def test_a_poll_of_an_empty_topic_ends_in_time(queue_profile: QueueProfile) -> None:
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    started = time.monotonic()
    assert consumer.poll(10, 0.3) == []
    assert time.monotonic() - started < 2
    consumer.close()


def test_a_waiting_poll_returns_as_soon_as_an_event_comes(queue_profile: QueueProfile) -> None:
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    put(queue_profile.queue, [event()])
    take_and_commit(consumer, 1)
    late = event()
    timer = threading.Timer(0.3, lambda: queue_profile.queue.publish(Topic.REALTIME, [late]))
    timer.start()
    started = time.monotonic()
    assert events_of(consumer.poll(10, DEADLINE_S)) == [late]
    assert time.monotonic() - started < 2
    timer.join()
    consumer.close()


def test_uncommitted_events_come_again_to_the_next_member(queue_profile: QueueProfile) -> None:
    sent = [event() for _ in range(20)]
    put(queue_profile.queue, sent)
    first = queue_profile.queue.consume(Topic.REALTIME, "index")
    assert unordered(take(first, 20)) == set(sent)
    first.close()
    second = queue_profile.another().consume(Topic.REALTIME, "index")
    assert unordered(take(second, 20)) == set(sent)
    second.close()


def test_polled_events_do_not_come_to_the_same_member_twice(queue_profile: QueueProfile) -> None:
    put(queue_profile.queue, [event() for _ in range(5)])
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    take(consumer, 5)
    assert consumer.poll(10, QUIET_S) == []
    consumer.close()


def test_committed_events_do_not_come_again(queue_profile: QueueProfile) -> None:
    put(queue_profile.queue, [event() for _ in range(20)])
    first = queue_profile.queue.consume(Topic.REALTIME, "index")
    take_and_commit(first, 20)
    first.close()
    later = event()
    put(queue_profile.queue, [later])
    second = queue_profile.queue.consume(Topic.REALTIME, "index")
    assert events_of(take(second, 1)) == [later]
    assert second.poll(10, QUIET_S) == []
    second.close()


def test_a_commit_covers_all_earlier_events_of_the_asset_and_no_later_one(queue_profile: QueueProfile) -> None:
    sent = revisions(uuid.uuid4(), 10)
    put(queue_profile.queue, sent)
    first = queue_profile.queue.consume(Topic.REALTIME, "index")
    first.commit([take(first, 10)[5]])
    first.close()
    second = queue_profile.queue.consume(Topic.REALTIME, "index")
    assert events_of(take(second, 4)) == sent[6:]
    second.close()


def test_deliveries_may_be_committed_in_any_order(queue_profile: QueueProfile) -> None:
    put(queue_profile.queue, revisions(uuid.uuid4(), 10))
    first = queue_profile.queue.consume(Topic.REALTIME, "index")
    first.commit(list(reversed(take(first, 10))))
    first.commit([])
    first.close()
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == 0


def test_two_groups_each_get_everything(queue_profile: QueueProfile) -> None:
    sent = [event() for _ in range(10)]
    put(queue_profile.queue, sent)
    one = queue_profile.queue.consume(Topic.REALTIME, "index")
    assert unordered(take_and_commit(one, 10)) == set(sent)
    two = queue_profile.queue.consume(Topic.REALTIME, "audit")
    assert unordered(take_and_commit(two, 10)) == set(sent)
    one.close()
    two.close()


def test_a_topic_holds_nothing_of_another(queue_profile: QueueProfile) -> None:
    live, work = event(), event()
    put(queue_profile.queue, [live], Topic.REALTIME)
    put(queue_profile.queue, [work], Topic.BULK)
    for topic, sent in ((Topic.REALTIME, live), (Topic.BULK, work)):
        consumer = queue_profile.queue.consume(topic, "index")
        assert events_of(take(consumer, 1)) == [sent]
        assert consumer.poll(10, QUIET_S) == []
        consumer.close()


def test_members_of_a_group_share_its_events(queue_profile: QueueProfile) -> None:
    """Each commits what it polled at once, so that a hand-over in between repeats nothing."""
    members = [queue_profile.another().consume(Topic.REALTIME, "index") for _ in range(2)]
    sent = [event() for _ in range(200)]
    got: list[Message | None] = []
    deadline = time.monotonic() + DEADLINE_S
    for start in range(0, 200, 20):
        put(queue_profile.queue, sent[start : start + 20])
        while len(got) < start + 20:
            assert time.monotonic() < deadline, f"{len(got)} of 200 came"
            for member in members:
                batch = member.poll(7, 0.1)
                member.commit(batch)
                got += events_of(batch)
    for member in members:
        assert member.poll(10, QUIET_S) == []
        member.close()
    assert len(got) == 200
    assert set(got) == set(sent)


def test_a_waiting_member_takes_over_what_a_closed_one_left(queue_profile: QueueProfile) -> None:
    put(queue_profile.queue, [event()])
    first = queue_profile.queue.consume(Topic.REALTIME, "index")
    take_and_commit(first, 1)
    left = revisions(uuid.uuid4(), 5)
    put(queue_profile.queue, left)
    taken = take(first, 5)
    second = queue_profile.another().consume(Topic.REALTIME, "index")
    first.commit(taken[:2])
    first.close()
    assert events_of(take(second, 3)) == left[2:]
    second.close()


def test_keep_alive_neither_loses_nor_repeats_events(queue_profile: QueueProfile) -> None:
    sent = revisions(uuid.uuid4(), 50)
    put(queue_profile.queue, sent)
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    got: list[Message | None] = []
    while len(got) < 50:
        got += events_of(take(consumer, 5))
        for _ in range(3):
            consumer.keep_alive()
    assert got == sent
    assert consumer.poll(10, QUIET_S) == []
    consumer.close()


@pytest.mark.parametrize("payload", [b"\xff no JSON", b"{}", b"[1]", b"null", b'"job_id"', b'{"job_id": "x"}', b""])
def test_a_payload_that_is_no_event_comes_as_such_and_can_be_passed(
    queue_profile: QueueProfile, payload: bytes
) -> None:
    queue_profile.put_raw(Topic.REALTIME, payload)
    good = event()
    put(queue_profile.queue, [good])
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    taken = take_and_commit(consumer, 2)
    assert unordered(taken) == {None, good}
    assert [delivery.payload for delivery in taken if delivery.message is None] == [payload]
    consumer.close()
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == 0


def test_lag_is_what_a_group_has_still_to_commit(queue_profile: QueueProfile) -> None:
    queue = queue_profile.queue
    put(queue, [event() for _ in range(10)])
    assert queue.lag(Topic.REALTIME, "index") == 10
    consumer = queue.consume(Topic.REALTIME, "index")
    taken = take(consumer, 10)
    assert queue.lag(Topic.REALTIME, "index") == 10
    consumer.commit(taken)
    assert queue.lag(Topic.REALTIME, "index") == 0
    put(queue, [event() for _ in range(3)])
    assert queue.lag(Topic.REALTIME, "index") == 3
    assert queue.lag(Topic.REALTIME, "audit") == 13
    assert queue.lag(Topic.BULK, "index") == 0
    consumer.close()
