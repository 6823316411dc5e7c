"""The producer: accepts messages without ever blocking, and reports the delivery of each one."""

import threading
from collections.abc import Callable
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from amp.adapters.kafka.connection import client_config
from amp.ports.background import Background
from amp.settings import Settings

#: A message that no broker has accepted within this time, in seconds, is dropped. A change is published again from its
#: intent.
DELIVERY_TIMEOUT_S = 30
#: Maximum number of messages that wait in this process while no broker answers: about 100 MB at worst.
_MAX_BUFFERED = 100_000
_POLL_S = 0.1

_log = structlog.get_logger()

#: Called with None once the message is durable, or with the reason why it never will be.
Report = Callable[[KafkaError | None], None]


class MessageProducer:
    """One idempotent producer, replaced after a fatal error, and the thread that collects its delivery reports.

    Connects on first use, so that it can be created before a process forks.
    """

    def __init__(self, settings: Settings, background: Background) -> None:
        self._background = background
        self._config = client_config(settings) | {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "message.timeout.ms": DELIVERY_TIMEOUT_S * 1000,
            "queue.buffering.max.messages": _MAX_BUFFERED,
            "queue.buffering.max.kbytes": 64 * 1024,
            "error_cb": self.on_error,
        }
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._failed = False
        self._closed = threading.Event()
        #: Number of messages that did not fit the buffer or were dropped. They are not in the queue.
        self.lost = 0

    def send(self, topic: str, *, key: bytes, value: bytes, report: Report) -> None:
        """Accept a message for delivery and return at once. `report` is called once, from any thread, unless the
        process ends first.
        """
        try:
            self._current().produce(
                topic,
                value=value,
                key=key,
                on_delivery=lambda error, _message: self._report(report, error),
            )
        except BufferError:
            self._report(report, KafkaError(KafkaError._QUEUE_FULL))
        except KafkaException as e:
            self._report(report, e.args[0])

    def flush(self, timeout_s: float) -> bool:
        """Wait until every message is either durable or dropped. Return False if `timeout_s` passes first."""
        return self._producer is None or self._producer.flush(timeout_s) == 0

    def close(self) -> None:
        """Close the producer without flushing: messages that are still in the buffer are dropped."""
        self._closed.set()

    def on_error(self, error: KafkaError) -> None:
        """Handle an error of the client itself. The client recovers by itself from all errors but fatal ones."""
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._failed = True
        _log.warning("kafka producer error", action="kafka_producer_error", reason=error.str(), fatal=self._failed)

    def _current(self) -> Producer:
        producer = self._producer
        if producer is None or self._failed:
            with self._lock:
                if self._producer is None or self._failed:
                    self._failed = False
                    self._producer = Producer(self._config)
                    self._background.start(
                        "kafka-delivery-reports", partial(self._collect, self._producer), self._closed
                    )
                producer = self._producer
        return producer

    def _collect(self, producer: Producer, stop: threading.Event) -> None:
        """Collect reports until this producer has been replaced and is empty, or until `close`."""
        while not stop.is_set() and (producer is self._producer or len(producer)):
            producer.poll(_POLL_S)

    def _report(self, report: Report, error: KafkaError | None) -> None:
        if error is not None:
            with self._lock:
                self.lost += 1
        try:
            report(error)
        except Exception:  # noqa: BLE001 - raised here, an error of one callback would stop the reports of all others
            _log.exception("delivery callback failed", action="delivery_callback_failed")
