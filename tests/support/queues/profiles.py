"""Both event queues, each with what a test needs beyond the port: other clients, and raw payloads."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amp.ports.message_queue import MessageQueue, Topic
from amp.settings import Settings, load_settings
from tests.support.background import background_threads

if TYPE_CHECKING:
    from amp.adapters.embedded.database import Database
    from amp.adapters.embedded.message_queue import SqliteMessageQueue


@dataclass(frozen=True, kw_only=True)
class QueueProfile:
    queue: MessageQueue
    #: A further client of the same queue, as another process has.
    another: Callable[[], MessageQueue]
    #: Puts bytes into a topic that no `publish` would put there.
    put_raw: Callable[[Topic, bytes], None]
    #: A client of it that loses some of the messages it publishes, or all of them.
    losing: Callable[[], MessageQueue]


@pytest.fixture(name="queue_profile", params=["embedded", pytest.param("kafka", marks=pytest.mark.cluster)])
def make_queue_profile(request: pytest.FixtureRequest) -> Iterator[QueueProfile]:
    with ExitStack() as at_end:
        if request.param == "kafka":
            yield kafka_queues(own_kafka_settings(request.getfixturevalue("cluster_settings")), at_end)
        else:
            yield embedded_queues(request.getfixturevalue("tmp_path"), at_end)


def embedded_queues(folder: Path, at_end: ExitStack) -> QueueProfile:
    from amp.adapters.embedded.database import Database
    from amp.adapters.embedded.message_queue import SqliteMessageQueue
    from amp.adapters.embedded.store_component import SqliteStoreComponent

    database = Database(folder)
    at_end.callback(database.close)
    SqliteStoreComponent(database).migrate()
    return QueueProfile(
        queue=SqliteMessageQueue(database),
        # One process holds the folder: its further clients share the database.
        another=lambda: SqliteMessageQueue(database),
        put_raw=lambda topic, payload: _put_raw_row(folder, topic, payload),
        losing=lambda: _refusing_queue(database),
    )


def _refusing_queue(database: "Database") -> "SqliteMessageQueue":
    from amp.adapters.embedded.message_queue import SqliteMessageQueue

    with database.writing() as connection:
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END")
    return SqliteMessageQueue(database)


def _put_raw_row(folder: Path, topic: Topic, payload: bytes) -> None:
    with closing(sqlite3.connect(folder / "store.db")) as connection, connection:
        connection.execute("INSERT INTO events (topic, payload) VALUES (?, ?)", (topic.value, payload))


def own_kafka_settings(cluster_settings: Mapping[str, str], partitions: int = 4) -> Settings:
    """Return settings with a topic prefix that no other test uses."""
    values: dict[str, object] = {name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()}
    prefix = f"{values['kafka_topic_prefix']}_{uuid.uuid4().hex[:8]}"
    return load_settings(values | {"kafka_topic_prefix": prefix, "kafka_partitions": partitions})


def kafka_queues(settings: Settings, at_end: ExitStack) -> QueueProfile:
    """Makes the topics, and removes them at the end."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient

    from amp.adapters.kafka.component import KafkaComponent
    from amp.adapters.kafka.message_queue import KafkaMessageQueue

    prefix = settings.kafka_topic_prefix
    part = KafkaComponent(settings)
    at_end.callback(part.close)
    part.migrate()
    bootstrap = {"bootstrap.servers": settings.kafka_bootstrap}
    topics = [f"{prefix}.{name}" for name in Topic]
    admin = AdminClient(bootstrap)
    at_end.callback(lambda: [done.result(10) for done in admin.delete_topics(topics).values()])

    def another() -> KafkaMessageQueue:
        queue = KafkaMessageQueue(settings, background_threads())
        at_end.callback(queue.close)
        return queue

    def put_raw(topic: Topic, payload: bytes) -> None:
        producer = Producer(bootstrap)
        producer.produce(f"{prefix}.{topic}", payload)
        assert producer.flush(10) == 0

    def losing() -> KafkaMessageQueue:
        queue = another()
        queue._producer._config["queue.buffering.max.messages"] = 1
        return queue

    return QueueProfile(queue=another(), another=another, put_raw=put_raw, losing=losing)
