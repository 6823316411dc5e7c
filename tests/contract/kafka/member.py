"""Run as a process by a test: a member of a group that reads events, commits none, and waits to be killed."""

import sys

from amp.adapters.kafka.message_queue import KafkaMessageQueue
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from amp.settings import load_settings
from tests.support.background import background_threads


def main(bootstrap: str, prefix: str, group: str) -> None:
    settings = load_settings({"kafka_bootstrap": bootstrap, "kafka_topic_prefix": prefix})
    consumer = KafkaMessageQueue(settings, background_threads()).consume(Topic.REALTIME, group)
    while True:
        for delivery in consumer.poll(100, 0.2):
            assert isinstance(delivery.message, AssetChanged)
            print(delivery.message.change_id, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
