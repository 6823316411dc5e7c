"""Events to publish, and ways to take them from a queue."""

import time
import uuid
from collections.abc import Iterable

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged, Message
from amp.ports.message_queue import Consumer, Delivery, MessageQueue, Topic
from tests.support.queues.profiles import QueueProfile, make_queue_profile  # noqa: F401 - the fixture `queue_profile`

#: Long enough for a slow machine; nothing waits that long unless it fails.
DEADLINE_S = 30
#: How long a test watches that nothing comes.
QUIET_S = 0.5


def event(asset_id: uuid.UUID | None = None, revision: int = 1, scope: Scope = Scope.HEAD) -> AssetChanged:
    return AssetChanged(
        asset_id=asset_id or uuid.uuid4(), version=revision, revision=revision, scope=scope, change_id=uuid.uuid4()
    )


def revisions(asset_id: uuid.UUID, count: int) -> list[AssetChanged]:
    return [event(asset_id, number + 1) for number in range(count)]


def put(queue: MessageQueue, events: Iterable[Message], topic: Topic = Topic.REALTIME) -> None:
    queue.publish(topic, list(events))
    assert queue.flush(DEADLINE_S)


def take(consumer: Consumer, count: int, at_once: int = 100) -> list[Delivery]:
    """Polls until `count` deliveries came."""
    taken: list[Delivery] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(taken) < count:
        assert time.monotonic() < deadline, f"{len(taken)} of {count} deliveries came"
        taken += consumer.poll(min(at_once, count - len(taken)), 0.2)
    return taken


def take_and_commit(consumer: Consumer, count: int) -> list[Delivery]:
    taken = take(consumer, count)
    consumer.commit(taken)
    return taken


def events_of(deliveries: Iterable[Delivery]) -> list[Message | None]:
    return [delivery.message for delivery in deliveries]


def unordered(deliveries: Iterable[Delivery]) -> set[Message | None]:
    return {delivery.message for delivery in deliveries}
