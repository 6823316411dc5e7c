"""The position of a consumer group, read by a client that never joins the group."""

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
#: Kafka's own numbers for the two ends of a partition, where `offsets_for_times` takes a time.
_FIRST, _END = -2, -1
#: Transient errors: a broker has just started or stopped, or is still loading.
_TRANSIENT = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
)


class GroupLag:
    """The offsets of one group.

    An admin client is not used: if it asks for a group's offsets while the coordinator loads, librdkafka 2.16 kills the
    whole process with a segmentation fault (`rd_kafka_cgrp_op` without a group).
    """

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group_name(settings, group)
        self._lock = threading.Lock()
        self._client = Consumer(client_config(settings) | {"group.id": self._group, "enable.auto.commit": False})

    def count(self, topic: Topic) -> int:
        """Return the number of messages in the topic that the group has not committed yet."""

        def read(name: str, left_s: Callable[[], float]) -> int:
            numbers = self._partitions(name, left_s)
            committed = self._positions(name, numbers, left_s)
            ends = self._offsets_at(name, numbers, _END, left_s)
            return sum(ends[number] - committed[number] for number in numbers)

        return self._retried(topic, read)

    def ends(self, topic: Topic) -> dict[int, int]:
        """Return the end offset of each partition."""

        def read(name: str, left_s: Callable[[], float]) -> dict[int, int]:
            return self._offsets_at(name, self._partitions(name, left_s), _END, left_s)

        return self._retried(topic, read)

    def positions(self, topic: Topic) -> dict[int, int]:
        """Return the offset up to which the group has committed each partition; the partition's first offset if the
        group has committed nothing.
        """

        def read(name: str, left_s: Callable[[], float]) -> dict[int, int]:
            return self._positions(name, self._partitions(name, left_s), left_s)

        return self._retried(topic, read)

    def close(self) -> None:
        self._client.close()

    def _retried(self, topic: Topic, read: Callable[[str, Callable[[], float]], _T]) -> _T:
        deadline = time.monotonic() + _TIMEOUT_S
        with self._lock, translated(f"read the position of {self._group}"):
            while True:
                try:
                    return read(topic_name(self._settings, topic), lambda: max(0.01, deadline - time.monotonic()))
                except KafkaException as e:
                    if error_of(e).code() not in _TRANSIENT or time.monotonic() + _PAUSE_S > deadline:
                        raise
                time.sleep(_PAUSE_S)

    def _partitions(self, topic: str, left_s: Callable[[], float]) -> list[int]:
        metadata = self._client.list_topics(topic, timeout=left_s()).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return list(metadata.partitions)

    def _positions(self, topic: str, numbers: Sequence[int], left_s: Callable[[], float]) -> dict[int, int]:
        partitions = [TopicPartition(topic, number) for number in numbers]
        committed = _offsets(self._client.committed(partitions, timeout=left_s()))
        first = self._offsets_at(topic, numbers, _FIRST, left_s)
        # A group without a position (a negative offset) starts at the oldest message. So does a group whose position
        # the topic no longer retains.
        return {number: max(first[number], committed[number]) for number in numbers}

    def _offsets_at(
        self, topic: str, numbers: Sequence[int], timestamp: int, left_s: Callable[[], float]
    ) -> dict[int, int]:
        partitions = [TopicPartition(topic, number, timestamp) for number in numbers]
        return _offsets(self._client.offsets_for_times(partitions, timeout=left_s()))


def _offsets(partitions: list[TopicPartition]) -> dict[int, int]:
    for partition in partitions:
        if partition.error is not None:
            raise KafkaException(partition.error)
    return {partition.partition: partition.offset for partition in partitions}
