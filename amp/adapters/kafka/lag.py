"""How far a consumer group is, asked by a client that never joins it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from amp.adapters.kafka.connection import client_config, error_of, group_name, topic_name, translated
from amp.ports.message_queue import Topic
from amp.settings import Settings

_T = TypeVar("_T")
_TIMEOUT_S = 5.0
_PAUSE_S = 0.1
#: What a time means where `offsets_for_times` takes one: Kafka's own numbers for the two ends.
_FIRST, _END = -2, -1
#: A broker just came, went or is still loading.
_PASSING = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
)


class GroupLag:
    """Of one group. Not by an admin client: asked for a group's offsets while its coordinator loads, librdkafka 2.16
    ends the whole process with a segmentation fault (`rd_kafka_cgrp_op` without a group)."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group_name(settings, group)
        self._lock = threading.Lock()
        self._client = Consumer(client_config(settings) | {"group.id": self._group, "enable.auto.commit": False})

    def of(self, topic: Topic) -> int:
        """How many messages the group has still to commit."""

        def ask(name: str, left_s: Callable[[], float]) -> int:
            numbers = self._partitions(name, left_s)
            done = self._positions(name, numbers, left_s)
            end = self._times(name, numbers, _END, left_s)
            return sum(end[number] - done[number] for number in numbers)

        return self._asked(topic, ask)

    def ends(self, topic: Topic) -> dict[int, int]:
        """Where each partition ends."""

        def ask(name: str, left_s: Callable[[], float]) -> dict[int, int]:
            return self._times(name, self._partitions(name, left_s), _END, left_s)

        return self._asked(topic, ask)

    def done(self, topic: Topic) -> dict[int, int]:
        """Up to where the group has committed each partition, or its first offset."""

        def ask(name: str, left_s: Callable[[], float]) -> dict[int, int]:
            return self._positions(name, self._partitions(name, left_s), left_s)

        return self._asked(topic, ask)

    def close(self) -> None:
        self._client.close()

    def _asked(self, topic: Topic, ask: Callable[[str, Callable[[], float]], _T]) -> _T:
        deadline = time.monotonic() + _TIMEOUT_S
        with self._lock, translated(f"asking for the place of {self._group}"):
            while True:
                try:
                    return ask(topic_name(self._settings, topic), lambda: max(0.01, deadline - time.monotonic()))
                except KafkaException as e:
                    if error_of(e).code() not in _PASSING or time.monotonic() + _PAUSE_S > deadline:
                        raise
                time.sleep(_PAUSE_S)

    def _partitions(self, topic: str, left_s: Callable[[], float]) -> list[int]:
        found = self._client.list_topics(topic, timeout=left_s()).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return list(found.partitions)

    def _positions(self, topic: str, numbers: Sequence[int], left_s: Callable[[], float]) -> dict[int, int]:
        asked = [TopicPartition(topic, number) for number in numbers]
        committed = _offsets(self._client.committed(asked, timeout=left_s()))
        first = self._times(topic, numbers, _FIRST, left_s)
        # A group without a position (a negative offset) starts at the oldest message, and so does one whose position
        # the topic has forgotten.
        return {number: max(first[number], committed[number]) for number in numbers}

    def _times(self, topic: str, numbers: Sequence[int], time_: int, left_s: Callable[[], float]) -> dict[int, int]:
        asked = [TopicPartition(topic, number, time_) for number in numbers]
        return _offsets(self._client.offsets_for_times(asked, timeout=left_s()))


def _offsets(places: list[TopicPartition]) -> dict[int, int]:
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return {place.partition: place.offset for place in places}
