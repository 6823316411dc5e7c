"""Publishes messages and waits for their delivery."""

from collections.abc import Sequence

from amp.domain.events import AnyMessage
from amp.ports.event_queue import EventQueue, Topic

_FLUSH_S = 10.0


def publish_durably(queue: EventQueue, topic: Topic, messages: Sequence[AnyMessage]) -> set[AnyMessage]:
    """Publish the messages and return those that are durable in the queue, after ten seconds at most. One that becomes
    durable later is never added to the result."""
    delivered: set[AnyMessage] = set()
    queue.publish(topic, messages, delivered.add)
    queue.flush(_FLUSH_S)
    return delivered.copy()
