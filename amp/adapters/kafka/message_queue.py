"""The message queue on Kafka: one Kafka topic for each `Topic`."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import orjson
from confluent_kafka import KafkaError

from amp.adapters.kafka.connection import topic_name
from amp.adapters.kafka.consumer import KafkaConsumer
from amp.adapters.kafka.lag import GroupLag
from amp.adapters.kafka.producer import MessageProducer
from amp.domain.messages import AnyMessage, message_json
from amp.ports.background import Background
from amp.ports.message_queue import Topic
from amp.settings import Settings

#: The group under which the ends of topics are read. It never has members.
_MARKS_GROUP = "marks"


class KafkaMessageQueue:
    """Connects on first use, so that it can be created before a process forks."""

    def __init__(self, settings: Settings, background: Background) -> None:
        self._settings = settings
        self._producer = MessageProducer(settings, background)
        self._lock = threading.Lock()
        self._lags: dict[str, GroupLag] = {}

    @property
    def lost(self) -> int:
        """Number of messages since the start that never reached the queue, because the buffer was full or no broker was
        available for too long.
        """
        return self._producer.lost

    def publish(
        self, topic: Topic, messages: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        name = topic_name(self._settings, topic)
        for message in messages:
            self._producer.send(
                name,
                key=message.key.encode(),
                value=orjson.dumps(message_json(message)),
                report=partial(_report, message, on_delivered),
            )

    def flush(self, timeout_s: float) -> bool:
        return self._producer.flush(timeout_s)

    def consume(self, topic: Topic, group: str) -> KafkaConsumer:
        return KafkaConsumer(self._settings, topic, group)

    def mark(self, topic: Topic) -> str:
        ends = self._lag(_MARKS_GROUP).ends(topic)
        return orjson.dumps({str(number): end for number, end in ends.items()}).decode()

    def behind(self, topic: Topic, group: str, mark: str) -> int:
        positions = self._lag(group).positions(topic)
        return sum(max(0, end - positions.get(int(number), 0)) for number, end in orjson.loads(mark).items())

    def lag(self, topic: Topic, group: str) -> int:
        return self._lag(group).count(topic)

    def _lag(self, group: str) -> GroupLag:
        with self._lock:
            if group not in self._lags:
                self._lags[group] = GroupLag(self._settings, group)
            return self._lags[group]

    def close(self) -> None:
        """Stop the background thread. Messages that were not flushed never reach the queue; changes are published again
        from their intents.
        """
        self._producer.close()
        for lag in self._lags.values():
            lag.close()


def _report(message: AnyMessage, on_delivered: Callable[[AnyMessage], None] | None, error: KafkaError | None) -> None:
    if error is None and on_delivered is not None:
        on_delivered(message)
