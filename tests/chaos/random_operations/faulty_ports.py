"""Ports that fail as their contracts allow: before a call did its work, or after, when the caller cannot tell."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from amp.domain.assets import Change
from amp.errors import QueueUnavailable, Retryable, SearchUnavailable, StoreUnavailable
from amp.ports.asset_store import CommitResult, CommitStatus
from amp.ports.message_queue import Topic
from amp.ports.search_index import PutResult, WriteStatus
from amp.profiles import Adapters

#: What a port raises, by its name among the adapters. Reads and writes alike.
_FAULTY: dict[str, type[Retryable]] = {
    "listing": StoreUnavailable,
    "intents": StoreUnavailable,
    "claims": StoreUnavailable,
    "types": StoreUnavailable,
    "buckets": StoreUnavailable,
    "jobs": StoreUnavailable,
    "chunks": StoreUnavailable,
    "job_ids": StoreUnavailable,
    "found_ids": StoreUnavailable,
    "dead_letters": StoreUnavailable,
    "leases": StoreUnavailable,
}


@dataclass
class SteppingClock:
    """The machine's, with steps; time that is measured goes on steadily."""

    offset_ms: int = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class PortFaults:
    """How often calls fail at the moment."""

    choices: random.Random
    chance: float = 0.0
    dropped_events: float = 0.0  #: share of the events of live traffic that never reach the queue
    #: Set while the index takes documents.
    indexing: threading.Event = field(default_factory=threading.Event)
    happened: int = 0

    def __post_init__(self) -> None:
        self.indexing.set()

    def draw(self) -> str | None:
        """Whether a call fails, and when: "before" or "after" its work."""
        if self.chance == 0 or self.choices.random() >= self.chance:
            return None
        self.happened += 1
        return self.choices.choice(("before", "after"))

    def end(self) -> None:
        self.chance = self.dropped_events = 0.0
        self.indexing.set()


class FaultyPort:
    """Fails as its `PortFaults` say."""

    def __init__(self, port: Any, port_faults: PortFaults, error: type[Retryable]) -> None:
        self._port = port
        self._port_faults = port_faults
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return self._failing(getattr(self._port, name))

    def _failing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            when = self._port_faults.draw()
            if when == "before":
                raise self._error("on purpose, before")
            result = method(*args, **kwargs)
            if when == "after":
                raise self._error("on purpose, after")
            return result

        return call


class FaultyStore(FaultyPort):
    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        """What it raises says that nothing was sent; a write whose answer is lost is UNKNOWN, made or not."""
        when = self._port_faults.draw()
        if when == "before":
            raise StoreUnavailable("on purpose, nothing sent")
        if when is None:
            return self._port.apply(changes)
        sent = [change for change in changes if self._port_faults.choices.random() < 0.5]
        outcomes = dict(zip(map(id, sent), self._port.apply(sent) if sent else (), strict=True))
        lost = self._port_faults.choices.random() < 0.5
        return [
            CommitResult(CommitStatus.UNKNOWN) if lost or id(change) not in outcomes else outcomes[id(change)]
            for change in changes
        ]


class FaultyDocuments(FaultyPort):
    """Of an index, or of one bucket of it: writes are refused, and may have been done all the same."""

    def put(self, *args: Any) -> list[PutResult]:
        self._port_faults.indexing.wait(5)
        return self._written(self._port.put, *args)

    def delete(self, *args: Any) -> list[PutResult]:
        return self._written(self._port.delete, *args)

    def _written(self, write: Callable[..., list[PutResult]], *args: Any) -> list[PutResult]:
        when = self._port_faults.draw()
        busy = [PutResult(WriteStatus.BUSY, "on purpose") for _ in args[-1]]
        if when == "before":
            return busy
        results = write(*args)
        return busy if when == "after" else results


class FaultyQueue:
    def __init__(self, queue: Any, port_faults: PortFaults) -> None:
        self._queue = queue
        self._port_faults = port_faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def publish(self, topic: Topic, events: Sequence[Any], on_delivered: Any = None) -> None:
        if topic is Topic.REALTIME and self._port_faults.dropped_events:
            events = [
                event for event in events if self._port_faults.choices.random() >= self._port_faults.dropped_events
            ]
        self._queue.publish(topic, events, on_delivered)

    def lag(self, topic: Topic, group: str) -> int:
        if self._port_faults.draw() is not None:
            raise QueueUnavailable("on purpose")
        return self._queue.lag(topic, group)


def faulty(sound: Adapters, clock: SteppingClock, port_faults: PortFaults) -> Adapters:
    """The same adapters, with these faults."""
    ports: dict[str, Any] = {
        name: FaultyPort(getattr(sound, name), port_faults, error) for name, error in _FAULTY.items()
    }
    return replace(
        sound,
        clock=clock,
        store=FaultyStore(sound.store, port_faults, StoreUnavailable),
        index=FaultyDocuments(sound.index, port_faults, SearchUnavailable),
        documents=FaultyDocuments(sound.documents, port_faults, SearchUnavailable),
        indices=FaultyPort(sound.indices, port_faults, SearchUnavailable),
        queue=FaultyQueue(sound.queue, port_faults),
        **ports,
    )
