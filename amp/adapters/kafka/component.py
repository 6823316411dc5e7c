"""Kafka as operations see it: does it answer, and are its topics there."""

import time
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from amp.adapters.kafka.connection import client_config, error_of, topic_name, translated
from amp.errors import BadSetting, QueueUnavailable
from amp.ports.message_queue import Topic
from amp.settings import Settings, variable

_PING_TIMEOUT_S = 2.0
_MIGRATE_TIMEOUT_S = 30.0

#: An event's intent is gone once it is delivered, so workers must come back within this long.
_RETENTION_MS = str(30 * 24 * 3600 * 1000)


class KafkaComponent:
    name = "queue"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AdminClient | None = None
        self._trouble = ""

    def ping(self) -> str:
        try:
            with translated("asking Kafka"):
                brokers = self._client().list_topics(timeout=_PING_TIMEOUT_S).brokers
        except QueueUnavailable as e:
            # A refused password or certificate is told to the client's callback alone.
            if self._admin is not None:
                self._admin.poll(0)
            raise QueueUnavailable(f"{e.message} ({self._trouble})" if self._trouble else e.message) from e
        self._trouble = ""
        return f"Kafka, {len(brokers)} broker(s), {self._settings.kafka_bootstrap}"

    def pending(self) -> list[str]:
        settings = self._settings
        return [
            f"create topic {name} ({settings.kafka_partitions} partitions, replication {settings.kafka_replication})"
            for name in self._missing()
        ]

    def migrate(self) -> list[str]:
        missing = self._missing()
        if not missing:
            return []
        with translated("creating topics"):
            topics = [self._new_topic(name) for name in missing]
            asked = self._client().create_topics(topics, request_timeout=_MIGRATE_TIMEOUT_S)
            made = [name for name, answer in asked.items() if self._made(answer)]
        self._wait_for(missing)
        return [f"created topic {name}" for name in made]

    def close(self) -> None:
        self._admin = None

    def _missing(self) -> list[str]:
        wanted = [topic_name(self._settings, topic) for topic in Topic]
        with translated("listing topics"):
            there = self._client().list_topics(timeout=_PING_TIMEOUT_S).topics
        return [name for name in wanted if name not in there]

    def _new_topic(self, name: str) -> NewTopic:
        copies = self._settings.kafka_replication
        # Without it `acks=all` would mean "the leader alone" once the other copies are down.
        config = {"min.insync.replicas": str(max(1, copies - 1)), "retention.ms": _RETENTION_MS}
        return NewTopic(name, num_partitions=self._settings.kafka_partitions, replication_factor=copies, config=config)

    def _made(self, answer: "Future[None]") -> bool:
        """False: somebody else made it meanwhile."""
        try:
            answer.result(_MIGRATE_TIMEOUT_S)
        except KafkaException as e:
            error = error_of(e)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                copies = self._settings.kafka_replication
                raise BadSetting(f"{variable('kafka_replication')}={copies}: {error.str()}") from e
            raise
        return True

    def _wait_for(self, topics: list[str]) -> None:
        """Made is not yet known to every broker."""
        deadline = time.monotonic() + _MIGRATE_TIMEOUT_S
        while any(name in topics for name in self._missing()):
            if time.monotonic() > deadline:
                raise QueueUnavailable(f"new topics did not show up within {_MIGRATE_TIMEOUT_S:g} s")
            time.sleep(0.05)

    def _client(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient(client_config(self._settings) | {"error_cb": self._on_error})
        return self._admin

    def _on_error(self, error: KafkaError) -> None:
        # "All brokers are down" comes last and explains nothing.
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._trouble = error.str()
