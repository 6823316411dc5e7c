"""The message queue: messages in order per key, delivered at least once, committed after the work.

A *topic* is a stream of messages, divided into partitions. Messages with the same key (`Message.key`) go to the same
partition and stay in order. A *consumer group* is a set of members that share a topic: each partition is assigned to
one member at a time. For each partition, the group records up to where its messages are committed. Groups do not
affect each other.

- The *place* of a message is its topic, its partition and its offset there, as the adapter records it. It is opaque to
  everyone else.
- A *mark* is the end of a topic at one moment, in all its partitions. A message lies before the mark if it was durable
  in the queue when the mark was taken. A mark is text, so it can be stored and compared with a group's position later.
- The *lag* of a group is the number of messages in a topic that the group has not committed yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from amp.domain.messages import AnyMessage, Message


class Topic(StrEnum):
    REALTIME = "realtime"  #: changes from live traffic
    RETRY = "retry"  #: changes from live traffic that wait for a bucket that refuses writes
    BULK = "bulk"  #: items of admin jobs, kept apart so that they never delay live traffic


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a consumer received it, with its place in the queue."""

    message: Message | None  #: None: `payload` is not a valid message
    payload: bytes  #: the message as it was stored in the queue
    #: The place of the message, as the adapter records it; opaque.
    place: Any = field(repr=False)


class Consumer(Protocol):
    """One member of a consumer group, used by one thread.

    Messages with the same key arrive in the order in which they were published, at one member at a time. After a crash,
    or after their partition is assigned to another member, uncommitted messages are delivered again.
    """

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        """Return up to `max_messages` new deliveries, in order per key. Wait up to `timeout_s` for the first; the list
        is empty if none arrives.

        :raises QueueUnavailable: the queue does not answer and the client cannot recover by itself.
        """
        ...

    def keep_alive(self) -> None:
        """Report to the queue that this member is still working on the messages it polled. Call it at least every few
        seconds.
        """
        ...

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Record that these deliveries are done. They, and all earlier messages of their partitions, are not delivered
        to this group again. Deliveries whose partition has been assigned to another member are ignored.

        :raises QueueUnavailable: the messages may be delivered again.
        """
        ...

    def close(self) -> None:
        """Leave the group at once. Uncommitted messages are delivered to the other members."""
        ...


class MessageQueue(Protocol):
    def publish(
        self, topic: Topic, messages: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        """Hand over messages for durable delivery, in order per key. Return at once, even while the queue is down.
        Messages that do not fit the local buffer are dropped; a change is then published again from its intent.

        `on_delivered` is called with each message that is durable in the queue, from any thread, and never with one
        that is not.
        """
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until every published message is either durable or dropped. Return False if `timeout_s` passes first.

        Only `on_delivered` reports whether a message is durable.
        """
        ...

    def consume(self, topic: Topic, group: str) -> Consumer:
        """Return a new member of `group`. A group that has committed nothing yet starts at the oldest message."""
        ...

    def mark(self, topic: Topic) -> str:
        """Return the present end of the topic as a mark: every message that is durable before this call lies before it.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...

    def behind(self, topic: Topic, group: str, mark: str) -> int:
        """Return the distance between what the group has committed and the mark. It is 0 once the group has committed
        every message before the mark. It decreases with each of these messages that is committed, sometimes by more
        than one.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...

    def lag(self, topic: Topic, group: str) -> int:
        """Return the number of messages that the group has not committed yet.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...
