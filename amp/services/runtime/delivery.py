"""Publishes messages and waits for their delivery."""

from collections.abc import Sequence

from amp.domain.messages import AnyMessage
from amp.ports.message_queue import MessageQueue, Topic

_FLUSH_S = 10.0


def publish_durably(queue: MessageQueue, topic: Topic, messages: Sequence[AnyMessage]) -> set[AnyMessage]:
    """Publish the messages and return those that are durable in the queue after at most ten seconds. The result does
    not change afterwards."""
    delivered: set[AnyMessage] = set()
    queue.publish(topic, messages, delivered.add)
    queue.flush(_FLUSH_S)
    return delivered.copy()
