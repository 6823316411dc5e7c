"""How far a consumer group is behind, asked by a client that never joins it."""

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from amp.adapters.kafka.connection import client_config, error_of, group_name, topic_name, translated
from amp.ports.event_queue import Topic
from amp.settings import Settings

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
        deadline = time.monotonic() + _TIMEOUT_S
        with self._lock, translated(f"asking for the lag of {self._group}"):
            while True:
                try:
                    return self._ask(topic_name(self._settings, topic), deadline)
                except KafkaException as e:
                    if error_of(e).code() not in _PASSING or time.monotonic() + _PAUSE_S > deadline:
                        raise
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        self._client.close()

    def _ask(self, topic: str, deadline: float) -> int:
        def left_s() -> float:
            return max(0.01, deadline - time.monotonic())

        found = self._client.list_topics(topic, timeout=left_s()).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        numbers = list(found.partitions)
        asked = [TopicPartition(topic, number) for number in numbers]
        committed = _offsets(self._client.committed(asked, timeout=left_s()))
        asked = [TopicPartition(topic, number, _FIRST) for number in numbers]
        first = _offsets(self._client.offsets_for_times(asked, timeout=left_s()))
        asked = [TopicPartition(topic, number, _END) for number in numbers]
        end = _offsets(self._client.offsets_for_times(asked, timeout=left_s()))
        # A group without a position (a negative offset) starts at the oldest event, and so does one whose position
        # the topic has forgotten.
        return sum(end[number] - max(first[number], committed[number]) for number in numbers)


def _offsets(places: list[TopicPartition]) -> dict[int, int]:
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return {place.partition: place.offset for place in places}
