"""Kafka as operators see it: pings, and topics that are made once."""

import threading
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from amp.adapters.kafka.component import KafkaComponent
from amp.errors import BadSetting
from amp.settings import Settings, load_settings
from tests.support.queues.profiles import own_kafka_settings

pytestmark = pytest.mark.cluster


@pytest.fixture
def kafka_settings(cluster_settings: dict[str, str]) -> Iterator[Settings]:
    settings = own_kafka_settings(cluster_settings, partitions=3)
    yield settings
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    if topics := list(topics_of(settings)):
        for removed in admin.delete_topics(topics).values():
            removed.result(10)


def topics_of(settings: Settings) -> dict[str, int]:
    """Their partitions by name."""
    found = AdminClient({"bootstrap.servers": settings.kafka_bootstrap}).list_topics(timeout=10).topics
    return {n: len(t.partitions) for n, t in found.items() if n.startswith(f"{settings.kafka_topic_prefix}.")}


def test_migrate_makes_what_is_pending_and_a_second_time_nothing(kafka_settings: Settings) -> None:
    part = KafkaComponent(kafka_settings)
    prefix = kafka_settings.kafka_topic_prefix
    names = [f"{prefix}.realtime", f"{prefix}.retry", f"{prefix}.bulk"]
    assert part.pending() == [f"create topic {name} (3 partitions, replication 1)" for name in names]
    assert topics_of(kafka_settings) == {}
    assert part.migrate() == [f"created topic {name}" for name in names]
    assert topics_of(kafka_settings) == dict.fromkeys(names, 3)
    assert part.pending() == []
    assert part.migrate() == []


def test_migrating_at_once_makes_each_topic_once(kafka_settings: Settings) -> None:
    done: list[str] = []
    barrier = threading.Barrier(4)

    def migrate() -> None:
        part = KafkaComponent(kafka_settings)
        barrier.wait()
        done.extend(part.migrate())

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(f"created topic {name}" for name in topics_of(kafka_settings))
    assert len(done) == 3


def test_more_copies_than_brokers_are_refused_by_the_name_of_the_setting(kafka_settings: Settings) -> None:
    part = KafkaComponent(load_settings(dict(kafka_settings) | {"kafka_replication": 99}))
    with pytest.raises(BadSetting, match="AMP_KAFKA_REPLICATION=99"):
        part.migrate()
    assert topics_of(kafka_settings) == {}


def test_a_ping_reports_what_answered(kafka_settings: Settings) -> None:
    assert KafkaComponent(kafka_settings).ping() == f"Kafka, 1 broker(s), {kafka_settings.kafka_bootstrap}"
