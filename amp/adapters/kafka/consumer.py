"""A member of a Kafka consumer group that commits by hand, after the work."""

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

#: A member that died is noticed after this long, and its partitions go to the others.
SESSION_TIMEOUT_S = 10
#: A member that polls no more keeps its partitions this long, if its process lives.
_MAX_POLL_INTERVAL_S = 300
#: Long enough for a broker to restart.
_COMMIT_TIMEOUT_S = 10.0
_PAUSE_S = 0.05
#: What polling on does not cure.
_HOPELESS = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
)
#: The group went on without this member: all it held belongs to others.
_EXPELLED = (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.FENCED_INSTANCE_ID)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies, and under which assignment of its partition this member got it."""

    topic: str
    partition: int
    offset: int
    assignment: int


class KafkaConsumer:
    def __init__(self, settings: Settings, topic: Topic, group: str) -> None:
        self._topic = topic_name(settings, topic)
        self._group = group_name(settings, group)
        #: The partitions this member holds now, each with the number of the assignment that brought it.
        self._held: dict[int, int] = {}
        self._assignments = 0
        #: What `commit` and `keep_alive` met and the next `poll` gives out.
        self._early: list[Delivery] = []
        #: What became of commits, in the order of the news.
        self._committed: list[tuple[dict[int, int], KafkaError | None]] = []
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
                # A resumed partition waits for the fetch under way to end.
                "fetch.wait.max.ms": 100,
                "fetch.error.backoff.ms": 100,
                "queued.min.messages": 10_000,
                "queued.max.messages.kbytes": 16 * 1024,
                "on_commit": self._on_commit,
                "error_cb": self._on_error,
            }
        )
        with translated(f"joining {self._group}"):
            self._client.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        deliveries, self._early = self._early[:max_messages], self._early[max_messages:]
        # The client waits until it has all it was asked for, so ask for one, then for what is there.
        with translated(f"reading {self._topic}"):
            if not deliveries:
                deliveries = self._consume(1, timeout_s)
            if 0 < len(deliveries) < max_messages:
                deliveries += self._consume(max_messages - len(deliveries), 0)
        return [delivery for delivery in deliveries if self._holds(delivery.place)]

    def keep_alive(self) -> None:
        with translated(f"keeping up {self._group}"):
            self._serve(0)

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        deadline = time.monotonic() + _COMMIT_TIMEOUT_S
        with translated(f"committing for {self._group}"):
            while ends := self._ends(deliveries):
                error = self._commit(ends, deadline)
                if error is None or error.code() in _EXPELLED:
                    return
                if error.code() != KafkaError.REBALANCE_IN_PROGRESS or time.monotonic() > deadline:
                    raise KafkaException(error)
                # The group divides the partitions anew: that takes this member's polling, and some may go.
                self._serve(_PAUSE_S)

    def close(self) -> None:
        self._held = {}
        with translated(f"leaving {self._group}"):
            self._client.close()

    def _ends(self, deliveries: Sequence[Delivery]) -> dict[int, int]:
        """By partition, what the group would go on with; partitions that left this member since are passed over."""
        ends: dict[int, int] = {}
        for delivery in deliveries:
            place: Place = delivery.place
            if self._holds(place):
                ends[place.partition] = max(ends.get(place.partition, 0), place.offset + 1)
        return ends

    def _commit(self, ends: dict[int, int], deadline: float) -> KafkaError | None:
        # Not left to the client to wait: while a broker hangs it waits without end, and locks everything meanwhile.
        self._committed = []
        self._client.commit(offsets=[TopicPartition(self._topic, *end) for end in ends.items()], asynchronous=True)
        while time.monotonic() < deadline:
            # Outcomes come ahead of messages, but only a call that may fetch a message gives them out.
            early = self._consume(1, _PAUSE_S)
            self._early += early
            for places, error in self._committed:
                if places == ends:
                    return error
            if early:
                time.sleep(0.001)
        return KafkaError(KafkaError._TIMED_OUT)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        error = error or next((p.error for p in partitions if p.error is not None), None)
        self._committed.append(({p.partition: p.offset for p in partitions}, error))

    def _serve(self, timeout_s: float) -> None:
        """Lets the client do what it does while polling, hand-overs above all."""
        # Paused, so that hand-overs do not queue behind thousands of fetched messages.
        paused = self._client.assignment()
        self._client.pause(paused)
        try:
            self._early += self._consume(1, timeout_s)
        finally:
            # Those handed over meanwhile too: should they come back, they would still be paused.
            self._client.resume(paused)

    def _consume(self, count: int, timeout_s: float) -> list[Delivery]:
        deliveries = []
        for message in self._client.consume(count, timeout_s):
            error = message.error()
            if error is None:
                deliveries.append(self._delivery(message))
            elif error.fatal() or error.code() in _HOPELESS:
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
        return Delivery(_decoded(payload), payload, place)

    def _holds(self, place: Place) -> bool:
        return self._held.get(place.partition) == place.assignment

    def _on_assign(self, _client: Client, partitions: list[TopicPartition]) -> None:
        self._assignments += 1
        self._held |= {p.partition: self._assignments for p in partitions}

    def _on_revoke(self, _client: Client, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            self._held.pop(p.partition, None)

    def _on_error(self, error: KafkaError) -> None:
        _log.warning("kafka_consumer_error", action="kafka_consumer_error", group=self._group, reason=error.str())


def _decoded(payload: bytes) -> Message | None:
    try:
        return message_from_json(orjson.loads(payload))
    except (ValueError, KeyError, TypeError):
        return None
