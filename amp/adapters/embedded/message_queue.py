"""The event queue on SQLite: one log of events, a position per topic and group."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.payloads import message_in, payload_of
from amp.domain.messages import AnyMessage
from amp.errors import QueueUnavailable
from amp.ports.message_queue import Delivery, Topic

log = structlog.get_logger(__name__)

#: So many events stay behind the slowest group, for a group that comes new.
KEPT_EVENTS = 10_000


class Place(NamedTuple):
    topic: Topic
    group: str
    position: int


class SqliteEventQueue:
    """Events are durable when `publish` returns. All queues on one `Database` are one queue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self, topic: Topic, events: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        rows = [(topic.value, payload_of(event)) for event in events]
        try:
            with self._database.writing(QueueUnavailable) as connection:
                connection.executemany("INSERT INTO events (topic, payload) VALUES (?, ?)", rows)
        except QueueUnavailable as e:
            log.warning("events dropped, their intents bring them back", count=len(rows), error=e.message)
            return
        self._database.queue_board.tell()
        if on_delivered is not None:
            for event in events:
                _report(on_delivered, event)

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        return True

    def consume(self, topic: Topic, group: str) -> "SqliteConsumer":
        return SqliteConsumer(self._database, topic, group)

    def mark(self, topic: Topic) -> str:
        query = "SELECT coalesce(max(position), 0) FROM events WHERE topic = ?"
        with self._database.reading(QueueUnavailable) as connection:
            return str(connection.execute(query, (topic.value,)).fetchone()[0])

    def behind(self, topic: Topic, group: str, mark: str) -> int:
        query = "SELECT max(0, ? - coalesce(max(committed), 0)) FROM event_groups WHERE topic = ? AND name = ?"
        with self._database.reading(QueueUnavailable) as connection:
            return int(connection.execute(query, (int(mark), topic.value, group)).fetchone()[0])

    def lag(self, topic: Topic, group: str) -> int:
        query = (
            "SELECT count(*) FROM events WHERE topic = ? AND position >"
            " coalesce((SELECT committed FROM event_groups WHERE topic = ? AND name = ?), 0)"
        )
        with self._database.reading(QueueUnavailable) as connection:
            [count] = connection.execute(query, (topic.value, topic.value, group)).fetchone()
        return int(count)


class SqliteConsumer:
    """The first member that polls holds the group until it closes; the others get nothing meanwhile."""

    def __init__(self, database: Database, topic: Topic, group: str) -> None:
        self._database = database
        self._board = database.queue_board
        self._topic = topic
        self._group = group
        self._key = (topic.value, group)
        #: Of the last event polled; None: not known yet.
        self._position: int | None = None
        self._closed = False

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            news = self._board.news
            if self._board.hold(self._key, self) and (taken := self._take(max_messages)):
                return taken
            if not self._board.wait_for_news(news, deadline - time.monotonic()):
                break
        return []

    def keep_alive(self) -> None:
        """Nothing to do: within one process nobody takes a member for dead."""

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries or not self._board.is_held_by(self._key, self):
            return
        position = max(delivery.place.position for delivery in deliveries)
        # A position lost with the power makes events come again, which everyone is ready for.
        with self._database.writing(QueueUnavailable, durable=False) as connection:
            connection.execute(
                "INSERT INTO event_groups (topic, name, committed) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET committed = max(committed, excluded.committed)",
                (*self._key, position),
            )
            connection.execute(
                "DELETE FROM events WHERE topic = ? AND position <="
                " (SELECT min(committed) FROM event_groups WHERE topic = ?) - ?",
                (self._topic.value, self._topic.value, KEPT_EVENTS),
            )

    def close(self) -> None:
        self._closed = True
        self._board.release(self._key, self)

    def _take(self, max_messages: int) -> list[Delivery]:
        with self._database.reading(QueueUnavailable) as connection:
            if self._position is None:
                query = "SELECT coalesce(max(committed), 0) FROM event_groups WHERE topic = ? AND name = ?"
                [self._position] = connection.execute(query, self._key).fetchone()
            rows = connection.execute(
                "SELECT position, payload FROM events WHERE topic = ? AND position > ? ORDER BY position LIMIT ?",
                (self._topic.value, self._position, max_messages),
            ).fetchall()
        if rows:
            self._position = rows[-1][0]
        return [
            Delivery(message_in(payload), payload, Place(self._topic, self._group, position))
            for position, payload in rows
        ]


def _report(on_delivered: Callable[[AnyMessage], None], event: AnyMessage) -> None:
    try:
        on_delivered(event)
    except Exception:
        # It comes from a caller, and must stop neither the queue nor the other reports.
        log.exception("the report of a delivery failed", asset_id=str(event.asset_id))
