"""Reads a Kafka topic from its beginning to its present end, apart from any consumer group."""

import uuid
from typing import Any

from confluent_kafka import Consumer, TopicPartition


def read_all(bootstrap: str, topic: str) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"reader-{uuid.uuid4()}", "fetch.wait.max.ms": 10})
    try:
        found = []
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            consumer.assign([TopicPartition(topic, number, low)])
            while low < high:
                message = consumer.poll(10)
                assert message is not None, f"{topic}[{number}] ended at {low} of {high}"
                assert message.error() is None, message.error()
                found.append(message)
                low = message.offset() + 1
        return found
    finally:
        consumer.close()
