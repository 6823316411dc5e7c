"""A member of a Kafka consumer group that commits explicitly, after the work."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import structlog
from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from amp.adapters.kafka.connection import client_config, group_name, topic_name, translated
from amp.domain.messages import Message, message_from_json
from amp.ports.message_queue import Delivery, Topic
from amp.settings import Settings

_log = structlog.get_logger()

#: After this time without a heartbeat, in seconds, a member counts as dead and its partitions go to the others.
SESSION_TIMEOUT_S = 10
#: How long a member that has stopped polling keeps its partitions while its process is alive, in seconds.
_MAX_POLL_INTERVAL_S = 300
#: Timeout of a commit, in seconds: long enough for a broker to restart.
_COMMIT_TIMEOUT_S = 10.0
_PAUSE_S = 0.05
#: Errors that continued polling cannot resolve.
_UNRECOVERABLE = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
)
#: The group has continued without this member: its partitions belong to others.
_EXPELLED = (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.FENCED_INSTANCE_ID)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a message, and the assignment of its partition under which this member received it."""

    topic: str
    partition: int
    offset: int
    assignment: int


class KafkaConsumer:
    def __init__(self, settings: Settings, topic: Topic, group: str) -> None:
        self._topic = topic_name(settings, topic)
        self._group = group_name(settings, group)
        #: The partitions assigned to this member now, each with the number of its assignment.
        self._held: dict[int, int] = {}
        self._assignments = 0
        #: Messages that arrived during `commit` and `keep_alive`, for the next `poll`.
        self._received: list[Delivery] = []
        #: Outcomes of commits, in the order in which the client reported them: offset by partition, and the error.
        self._commits: list[tuple[dict[int, int], KafkaError | None]] = []
        self._client = Client(
            client_config(settings)
            | {
                "group.id": self._group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": SESSION_TIMEOUT_S * 1000,
                "heartbeat.interval.ms": 1_000,
                "max.poll.interval.ms": _MAX_POLL_INTERVAL_S * 1000,
                # A resumed partition waits until the fetch in progress ends.
                "fetch.wait.max.ms": 100,
                "fetch.error.backoff.ms": 100,
                "queued.min.messages": 10_000,
                "queued.max.messages.kbytes": 16 * 1024,
                "on_commit": self._on_commit,
                "error_cb": self._on_error,
            }
        )
        with translated(f"join {self._group}"):
            self._client.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        deliveries, self._received = self._received[:max_messages], self._received[max_messages:]
        # The client waits until it has as many messages as requested, so request one, then those that are there.
        with translated(f"read {self._topic}"):
            if not deliveries:
                deliveries = self._consume(1, timeout_s)
            if 0 < len(deliveries) < max_messages:
                deliveries += self._consume(max_messages - len(deliveries), 0)
        return [delivery for delivery in deliveries if self._holds(delivery.place)]

    def keep_alive(self) -> None:
        with translated(f"keep alive in {self._group}"):
            self._serve(0)

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        deadline = time.monotonic() + _COMMIT_TIMEOUT_S
        with translated(f"commit for {self._group}"):
            while ends := self._ends(deliveries):
                error = self._commit(ends, deadline)
                if error is None or error.code() in _EXPELLED:
                    return
                if error.code() != KafkaError.REBALANCE_IN_PROGRESS or time.monotonic() > deadline:
                    raise KafkaException(error)
                # The rebalance of the group ends only if this member polls. The member may lose partitions thereby.
                self._serve(_PAUSE_S)

    def close(self) -> None:
        self._held = {}
        with translated(f"leave {self._group}"):
            self._client.close()

    def _ends(self, deliveries: Sequence[Delivery]) -> dict[int, int]:
        """Return, by partition, the offset at which the group continues after these deliveries. Partitions that this
        member has lost since are skipped.
        """
        ends: dict[int, int] = {}
        for delivery in deliveries:
            place: Place = delivery.place
            if self._holds(place):
                ends[place.partition] = max(ends.get(place.partition, 0), place.offset + 1)
        return ends

    def _commit(self, ends: dict[int, int], deadline: float) -> KafkaError | None:
        # The client's synchronous commit is not used: while a broker hangs, it waits without end and holds its locks.
        self._commits = []
        self._client.commit(offsets=[TopicPartition(self._topic, *end) for end in ends.items()], asynchronous=True)
        while time.monotonic() < deadline:
            # Outcomes are reported before messages, but only by a call that may fetch a message.
            deliveries = self._consume(1, _PAUSE_S)
            self._received += deliveries
            for offsets, error in self._commits:
                if offsets == ends:
                    return error
            if deliveries:
                time.sleep(0.001)
        return KafkaError(KafkaError._TIMED_OUT)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        error = error or next((p.error for p in partitions if p.error is not None), None)
        self._commits.append(({p.partition: p.offset for p in partitions}, error))

    def _serve(self, timeout_s: float) -> None:
        """Let the client do its work that needs polling, above all reassignments of partitions."""
        # Paused, so that reassignments do not queue behind thousands of fetched messages.
        paused = self._client.assignment()
        self._client.pause(paused)
        try:
            self._received += self._consume(1, timeout_s)
        finally:
            # Including partitions reassigned meanwhile: if this member got them again, they would still be paused.
            self._client.resume(paused)

    def _consume(self, count: int, timeout_s: float) -> list[Delivery]:
        deliveries = []
        for message in self._client.consume(count, timeout_s):
            error = message.error()
            if error is None:
                deliveries.append(self._delivery(message))
            elif error.fatal() or error.code() in _UNRECOVERABLE:
                raise KafkaException(error)
            else:
                self._on_error(error)
        return deliveries

    def _delivery(self, message: KafkaMessage) -> Delivery:
        payload = message.value() or b""
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        place = Place(self._topic, partition, offset, self._held.get(partition, 0))
        return Delivery(_decode(payload), payload, place)

    def _holds(self, place: Place) -> bool:
        return self._held.get(place.partition) == place.assignment

    def _on_assign(self, _client: Client, partitions: list[TopicPartition]) -> None:
        self._assignments += 1
        self._held |= {p.partition: self._assignments for p in partitions}

    def _on_revoke(self, _client: Client, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            self._held.pop(p.partition, None)

    def _on_error(self, error: KafkaError) -> None:
        _log.warning("kafka consumer error", action="kafka_consumer_error", group=self._group, reason=error.str())


def _decode(payload: bytes) -> Message | None:
    try:
        return message_from_json(orjson.loads(payload))
    except (ValueError, KeyError, TypeError):
        return None
