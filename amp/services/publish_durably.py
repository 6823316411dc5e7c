"""Publishes messages and waits for their delivery."""

from collections.abc import Sequence

from amp.domain.events import AnyMessage
from amp.ports.event_queue import EventQueue, Topic

_FLUSH_S = 10.0


def publish_durably(queue: EventQueue, topic: Topic, messages: Sequence[AnyMessage]) -> set[AnyMessage]:
    """Those of the messages that are durable in the queue, after ten seconds at most."""
    delivered: set[AnyMessage] = set()
    queue.publish(topic, messages, delivered.add)
    queue.flush(_FLUSH_S)
    return delivered
