"""The event queue: keyed order, at least once, commit after work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from amp.domain.messages import AnyMessage, Message


class Topic(StrEnum):
    REALTIME = "realtime"  #: changes of live traffic
    RETRY = "retry"  #: changes of live traffic that wait for a bucket which refuses writes
    BULK = "bulk"  #: work of admin jobs, apart, so that it never stands in front of live traffic


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as a consumer got it, with its place in the queue."""

    message: Message | None  #: None: the payload is no message, `payload` tells
    payload: bytes
    #: The adapter's own note of the place; opaque.
    place: Any = field(repr=False)


class Consumer(Protocol):
    """One member of a consumer group. Used by one thread. Events of one asset come in the order of their publishing,
    to one member at a time; after a crash or a hand-over, uncommitted ones come again."""

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        """Up to `max_messages` new deliveries; waits up to `timeout_s` for the first.

        :raises QueueUnavailable: the queue does not answer and the client cannot recover by itself.
        """
        ...

    def keep_alive(self) -> None:
        """Tell the queue that this member is still working on what it polled; call it at least every few seconds."""
        ...

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """These are done: they and all earlier ones of their partitions do not come again. Those whose partition went
        to another member meanwhile are passed over.

        :raises QueueUnavailable: they may come again.
        """
        ...

    def close(self) -> None:
        """Leave the group at once; what was not committed goes to the others."""
        ...


class MessageQueue(Protocol):
    def publish(
        self, topic: Topic, events: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        """Hand the events over for durable delivery, in order per asset; returns at once, also while the queue is
        down (events that do not fit the local buffer are dropped: their intents bring them back).

        `on_delivered` is called, from any thread, once an event is durable in the queue; never for one that is not.
        """
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything published is either durable or dropped; False if `timeout_s` passed first.

        Whether an event is durable, its `on_delivered` reports.
        """
        ...

    def consume(self, topic: Topic, group: str) -> Consumer:
        """A new member of `group`; a group that has no position yet starts at the oldest event."""
        ...

    def mark(self, topic: Topic) -> str:
        """Where the topic ends now: every event published before lies before it.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...

    def behind(self, topic: Topic, group: str, mark: str) -> int:
        """How far the group is from having committed every event before that mark; 0: it has. It shrinks with every
        such event that is committed; one event may count for more than one.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...

    def lag(self, topic: Topic, group: str) -> int:
        """How many events the group has still to commit.

        :raises QueueUnavailable: the queue does not answer.
        """
        ...
