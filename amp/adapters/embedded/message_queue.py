"""The message queue on SQLite: one log of messages, and a committed position per topic and group."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.payloads import message_in, payload_of
from amp.domain.messages import AnyMessage
from amp.errors import QueueUnavailable
from amp.ports.message_queue import Delivery, Topic

_log = structlog.get_logger(__name__)

#: Number of messages that are retained after the slowest group has committed them, for new groups.
RETAINED_MESSAGES = 10_000


class Place(NamedTuple):
    topic: Topic
    group: str
    position: int


class SqliteMessageQueue:
    """The message queue in `store.db`. Messages are durable when `publish` returns, unless they were dropped. All
    instances on one `Database` are one queue.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self, topic: Topic, messages: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        rows = [(topic.value, payload_of(message)) for message in messages]
        try:
            with self._database.writing(QueueUnavailable) as connection:
                connection.executemany("INSERT INTO events (topic, payload) VALUES (?, ?)", rows)
        except QueueUnavailable as e:
            _log.warning("messages dropped, to be published again from their intents", count=len(rows), error=e.message)
            return
        self._database.queue_board.notify()
        if on_delivered is not None:
            for message in messages:
                _report(on_delivered, message)

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - `publish` has already waited
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
    """A member of a group. The first member that polls holds the group until it is closed. Meanwhile the others receive
    nothing.
    """

    def __init__(self, database: Database, topic: Topic, group: str) -> None:
        self._database = database
        self._board = database.queue_board
        self._topic = topic
        self._group = group
        self._key = (topic.value, group)
        #: Position of the last message polled; None: not known yet.
        self._position: int | None = None
        self._closed = False

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            changes = self._board.changes
            if self._board.hold(self._key, self) and (deliveries := self._read_next(max_messages)):
                return deliveries
            if not self._board.wait_for_change(changes, deadline - time.monotonic()):
                break
        return []

    def keep_alive(self) -> None:
        """Do nothing: within one process, a member is never presumed dead."""

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries or not self._board.is_held_by(self._key, self):
            return
        position = max(delivery.place.position for delivery in deliveries)
        # If a power loss undoes the commit, messages are delivered again, which every consumer allows for.
        with self._database.writing(QueueUnavailable, durable=False) as connection:
            connection.execute(
                "INSERT INTO event_groups (topic, name, committed) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET committed = max(committed, excluded.committed)",
                (*self._key, position),
            )
            connection.execute(
                "DELETE FROM events WHERE topic = ? AND position <="
                " (SELECT min(committed) FROM event_groups WHERE topic = ?) - ?",
                (self._topic.value, self._topic.value, RETAINED_MESSAGES),
            )

    def close(self) -> None:
        self._closed = True
        self._board.release(self._key, self)

    def _read_next(self, max_messages: int) -> list[Delivery]:
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


def _report(on_delivered: Callable[[AnyMessage], None], message: AnyMessage) -> None:
    try:
        on_delivered(message)
    except Exception:  # noqa: BLE001 - an error of the publisher's callback must not stop the queue or other reports
        _log.exception("delivery report failed", asset_id=str(message.asset_id))
