"""What every event queue reports about the delivery of events."""

import threading
import uuid

from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from tests.support.queues.events import DEADLINE_S, event, events_of, put, revisions, take
from tests.support.queues.profiles import QueueProfile, make_queue_profile  # noqa: F401 - the fixture `queue_profile`


def test_every_event_is_reported_delivered_once_and_is_there_by_then(queue_profile: QueueProfile) -> None:
    reported: list[AssetChanged] = []
    sent = [event() for _ in range(20)]
    queue_profile.queue.publish(Topic.REALTIME, sent, reported.append)
    assert queue_profile.queue.flush(DEADLINE_S)
    assert len(reported) == 20
    assert set(reported) == set(sent)
    assert queue_profile.another().lag(Topic.REALTIME, "index") == 20


def test_deliveries_are_reported_without_a_flush(queue_profile: QueueProfile) -> None:
    reported = threading.Event()
    queue_profile.queue.publish(Topic.REALTIME, [event()], lambda _: reported.set())
    assert reported.wait(DEADLINE_S)


def test_a_failing_callback_stops_neither_the_others_nor_the_queue(queue_profile: QueueProfile) -> None:
    reported: list[AssetChanged] = []

    def fail_first(delivered: AssetChanged) -> None:
        reported.append(delivered)
        if len(reported) == 1:
            raise RuntimeError("the callback failed")

    queue_profile.queue.publish(Topic.REALTIME, [event(), event()], fail_first)
    assert queue_profile.queue.flush(DEADLINE_S)
    put(queue_profile.queue, [event()])
    assert len(reported) == 2
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == 3


def test_publishing_nothing_and_flushing_nothing_is_fine(queue_profile: QueueProfile) -> None:
    queue_profile.queue.publish(Topic.REALTIME, [])
    assert queue_profile.queue.flush(1)
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == 0


def test_threads_may_publish_at_once(queue_profile: QueueProfile) -> None:
    batches = [revisions(uuid.uuid4(), 25) for _ in range(8)]
    threads = [threading.Thread(target=queue_profile.queue.publish, args=(Topic.REALTIME, batch)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    consumer = queue_profile.queue.consume(Topic.REALTIME, "index")
    got = events_of(take(consumer, 200))
    for batch in batches:
        assert [e for e in got if e is not None and e.asset_id == batch[0].asset_id] == batch
    consumer.close()
