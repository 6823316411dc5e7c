"""Kafka as operations see it: whether it answers, and the topics that AMP needs."""

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

#: Retention of messages, in milliseconds. A delivered message has no intent any more, so an outage of the workers must
#: be shorter than this.
_RETENTION_MS = str(30 * 24 * 3600 * 1000)


class KafkaComponent:
    name = "queue"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AdminClient | None = None
        #: The last error that the client reported in the background; empty: none since the last answer.
        self._last_error = ""

    def ping(self) -> str:
        try:
            with translated("ping Kafka"):
                brokers = self._client().list_topics(timeout=_PING_TIMEOUT_S).brokers
        except QueueUnavailable as e:
            # The client reports a refused password or certificate only to its callback.
            if self._admin is not None:
                self._admin.poll(0)
            raise QueueUnavailable(f"{e.message} ({self._last_error})" if self._last_error else e.message) from e
        self._last_error = ""
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
        with translated("create topics"):
            topics = [self._new_topic(name) for name in missing]
            answers = self._client().create_topics(topics, request_timeout=_MIGRATE_TIMEOUT_S)
            created = [name for name, answer in answers.items() if self._was_created(answer)]
        self._wait_for(missing)
        return [f"created topic {name}" for name in created]

    def close(self) -> None:
        self._admin = None

    def _missing(self) -> list[str]:
        names = [topic_name(self._settings, topic) for topic in Topic]
        with translated("list topics"):
            existing = self._client().list_topics(timeout=_PING_TIMEOUT_S).topics
        return [name for name in names if name not in existing]

    def _new_topic(self, name: str) -> NewTopic:
        replicas = self._settings.kafka_replication
        # Without this minimum, `acks=all` would mean "the leader alone" once the other replicas are down.
        config = {"min.insync.replicas": str(max(1, replicas - 1)), "retention.ms": _RETENTION_MS}
        return NewTopic(
            name, num_partitions=self._settings.kafka_partitions, replication_factor=replicas, config=config
        )

    def _was_created(self, answer: "Future[None]") -> bool:
        """Return False if another process has created the topic meanwhile."""
        try:
            answer.result(_MIGRATE_TIMEOUT_S)
        except KafkaException as e:
            error = error_of(e)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                replicas = self._settings.kafka_replication
                raise BadSetting(f"{variable('kafka_replication')}={replicas}: {error.str()}") from e
            raise
        return True

    def _wait_for(self, topics: list[str]) -> None:
        """Wait until the topics are known to the brokers: they learn of a created topic one after the other."""
        deadline = time.monotonic() + _MIGRATE_TIMEOUT_S
        while any(name in topics for name in self._missing()):
            if time.monotonic() > deadline:
                raise QueueUnavailable(f"new topics are still missing after {_MIGRATE_TIMEOUT_S:g} s; migrate again")
            time.sleep(0.05)

    def _client(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient(client_config(self._settings) | {"error_cb": self._on_error})
        return self._admin

    def _on_error(self, error: KafkaError) -> None:
        # "All brokers are down" follows the error that explains it, and explains nothing itself.
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last_error = error.str()
