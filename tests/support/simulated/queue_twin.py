"""The event queue in memory: partitions that go from member to member, so that events come again and twice at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from amp.domain.messages import AnyMessage, Message
from amp.errors import QueueUnavailable
from amp.ports.message_queue import Delivery, Topic
from tests.support.simulated.scheduler import Scheduler

_PARTITIONS = 2


def _lost() -> NoReturn:
    raise QueueUnavailable("lost by the scheduler")


class SimulatedQueue:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.partitions: list[list[Message]] = [[] for _ in range(_PARTITIONS)]
        self.committed = [0] * _PARTITIONS
        self.owners: list[SimulatedConsumer | None] = [None] * _PARTITIONS
        self._members: dict[str, SimulatedConsumer] = {}

    @property
    def drained(self) -> bool:
        return all(done == len(events) for done, events in zip(self.committed, self.partitions, strict=True))

    def append(self, event: Message) -> None:
        self.partitions[event.asset_id.int % _PARTITIONS].append(event)

    def publish(
        self, topic: Topic, events: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        def deliver() -> None:
            for event in events:
                self.append(event)
                if on_delivered is not None:
                    on_delivered(event)

        self._scheduler.call(f"publish {len(events)} {topic}", deliver, lambda: None)

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - what was not delivered by now is lost or late
        return self._scheduler.call("flush", lambda: True, lambda: False)

    def lag(self, topic: Topic, group: str) -> int:  # noqa: ARG002 - a queue of its own, with one group
        def count() -> int:
            return sum(len(events) - done for done, events in zip(self.committed, self.partitions, strict=True))

        return self._scheduler.call("lag", count, _lost)

    def consume(self, name: str) -> SimulatedConsumer:
        """A new member in place of the one of that name, which is dead."""
        member = SimulatedConsumer(self._scheduler, self)
        self._members[name] = member
        self.hand_over()
        return member

    def hand_over(self) -> None:
        """The partitions go to other members, which begin where all is committed before."""
        members = list(self._members.values())
        for partition in range(_PARTITIONS if members else 0):
            owner = self._scheduler.random.choice(members)
            owner.positions[partition] = self.committed[partition]
            self.owners[partition] = owner


class SimulatedConsumer:
    def __init__(self, scheduler: Scheduler, queue: SimulatedQueue) -> None:
        self._scheduler = scheduler
        self._queue = queue
        self.positions = [0] * _PARTITIONS

    def poll(self, max_messages: int) -> list[Delivery]:
        found: list[Delivery] = []
        self._scheduler.call("poll", lambda: None, _lost)
        for partition, owner in enumerate(self._queue.owners):
            if owner is self:
                position = self.positions[partition]
                events = self._queue.partitions[partition][position : position + max_messages - len(found)]
                found += [Delivery(event, b"", (partition, position + n)) for n, event in enumerate(events)]
                self.positions[partition] += len(events)
        return found

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        def commit() -> None:
            for delivery in deliveries:
                partition, position = delivery.place
                # One handed over and back meanwhile may commit too much to be redelivered, never what was not done.
                if self._queue.owners[partition] is self and self.positions[partition] > position:
                    self._queue.committed[partition] = max(self._queue.committed[partition], position + 1)

        self._scheduler.call("commit", commit, _lost)
