"""The event queue on Kafka: one topic for live changes, one for jobs, one for dead letters."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue

import orjson
from confluent_kafka import KafkaError, KafkaException

from amp.adapters.kafka.connection import DEAD_LETTERS, topic_name, translated
from amp.adapters.kafka.consumer import KafkaConsumer, Place
from amp.adapters.kafka.lag import GroupLag
from amp.adapters.kafka.producer import MessageProducer
from amp.domain.events import Event, event_json
from amp.domain.times import format_ms
from amp.errors import QueueUnavailable
from amp.ports.event_queue import Delivery, Topic
from amp.settings import Settings

_DEAD_LETTER_TIMEOUT_S = 10.0
#: The rest of a longer reason says nothing new, and the message has to fit.
_MAX_REASON = 2_000


class KafkaEventQueue:
    """Connects on first use, so that it may be made before a process forks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = MessageProducer(settings)
        self._lost_before = 0
        self._lock = threading.Lock()
        self._lags: dict[str, GroupLag] = {}

    @property
    def lost(self) -> int:
        """Messages that never reached the queue, since the start: no room in the buffer, or no broker for too long."""
        return self._producer.lost

    def publish(
        self, topic: Topic, events: Sequence[Event], on_delivered: Callable[[Event], None] | None = None
    ) -> None:
        name = topic_name(self._settings, topic)
        for event in events:
            self._producer.send(
                name,
                key=str(event.asset_id).encode(),
                value=orjson.dumps(event_json(event)),
                report=partial(_tell, event, on_delivered),
            )

    def flush(self, timeout_s: float) -> bool:
        """What was lost since the last flush is not durable either."""
        emptied = self._producer.flush(timeout_s)
        lost, self._lost_before = self.lost - self._lost_before, self.lost
        return emptied and lost == 0

    def consume(self, topic: Topic, group: str) -> KafkaConsumer:
        return KafkaConsumer(self._settings, topic, group)

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        place: Place = delivery.place
        reported: SimpleQueue[KafkaError | None] = SimpleQueue()
        self._producer.send(
            topic_name(self._settings, DEAD_LETTERS),
            key=str(delivery.event.asset_id).encode() if delivery.event else None,
            value=delivery.payload,
            headers={
                "reason": reason[:_MAX_REASON].encode(errors="replace"),
                "topic": place.topic.encode(),
                "partition": str(place.partition).encode(),
                "offset": str(place.offset).encode(),
                "time": format_ms(time.time_ns() // 1_000_000).encode(),
            },
            report=reported.put,
        )
        try:
            error = reported.get(timeout=_DEAD_LETTER_TIMEOUT_S)
        except Empty:
            raise QueueUnavailable(f"the dead letter was not taken within {_DEAD_LETTER_TIMEOUT_S:g} s") from None
        if error is not None:
            with translated("writing a dead letter"):
                raise KafkaException(error)

    def lag(self, topic: Topic, group: str) -> int:
        with self._lock:
            if group not in self._lags:
                self._lags[group] = GroupLag(self._settings, group)
        return self._lags[group].of(topic)

    def close(self) -> None:
        """Ends the background thread; events not flushed before are lost to the queue (not to their intents)."""
        self._producer.close()
        for lag in self._lags.values():
            lag.close()


def _tell(event: Event, on_delivered: Callable[[Event], None] | None, error: KafkaError | None) -> None:
    if error is None and on_delivered is not None:
        on_delivered(event)
