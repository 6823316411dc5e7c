"""The event queue on Kafka beyond the contract: hand-overs in a group, topics that are not there or were emptied."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from amp.errors import NotMigrated
from amp.ports.message_queue import Delivery, Topic
from amp.settings import Settings
from tests.support.background import background_threads
from tests.support.queues.events import DEADLINE_S, event, put, take, unordered
from tests.support.queues.profiles import QueueProfile, kafka_queues, own_kafka_settings

pytestmark = pytest.mark.cluster


@pytest.fixture
def kafka_settings(cluster_settings: dict[str, str]) -> Settings:
    return own_kafka_settings(cluster_settings, partitions=12)


@pytest.fixture
def kafka(kafka_settings: Settings) -> Iterator[QueueProfile]:
    with ExitStack() as at_end:
        yield kafka_queues(kafka_settings, at_end)


def test_a_commit_passes_over_partitions_that_went_to_another_member(kafka: QueueProfile) -> None:
    put(kafka.queue, [event() for _ in range(200)])
    old = kafka.queue.consume(Topic.REALTIME, "index")
    taken = take(old, 200)
    new = kafka.another().consume(Topic.REALTIME, "index")
    moved: list[Delivery] = []
    deadline = time.monotonic() + DEADLINE_S
    while not moved:
        assert time.monotonic() < deadline, "keep_alive let no partition go"
        old.keep_alive()
        moved += new.poll(1000, 0.1)
    old.commit(taken)
    left = kafka.queue.lag(Topic.REALTIME, "index")
    assert 0 < left < 200, "the commit covered everything or nothing"
    moved += take(new, left - len(moved), at_once=1000)
    assert len(moved) == left
    new.commit(moved)
    assert kafka.queue.lag(Topic.REALTIME, "index") == 0
    old.close()
    new.close()


def test_a_returned_partition_is_not_committed_for_earlier_polls(kafka: QueueProfile) -> None:
    put(kafka.queue, [event() for _ in range(200)])
    stays = kafka.queue.consume(Topic.REALTIME, "index")
    before = take(stays, 200)
    passing = kafka.another().consume(Topic.REALTIME, "index")
    deadline = time.monotonic() + DEADLINE_S
    while not passing.poll(1, 0.1):
        assert time.monotonic() < deadline, "no partition moved"
        stays.keep_alive()
    passing.close()
    [again] = stays.poll(1, DEADLINE_S)
    stays.commit([delivery for delivery in before if delivery.place.partition == again.place.partition])
    assert kafka.queue.lag(Topic.REALTIME, "index") == 200
    stays.close()


def test_what_a_killed_process_had_not_committed_goes_to_another_member(
    kafka: QueueProfile, kafka_settings: Settings
) -> None:
    sent = [event() for _ in range(30)]
    put(kafka.queue, sent)
    member = [sys.executable, "-m", "tests.contract.kafka.member"]
    where = [kafka_settings.kafka_bootstrap, kafka_settings.kafka_topic_prefix, "index"]
    with subprocess.Popen([*member, *where], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert {process.stdout.readline().strip() for _ in sent} == {str(e.change_id) for e in sent}
        process.kill()
    killed = time.monotonic()
    heir = kafka.another().consume(Topic.REALTIME, "index")
    assert unordered(take(heir, 30)) == set(sent)
    assert time.monotonic() - killed < 20
    heir.close()


def test_a_consumer_of_a_topic_that_does_not_exist_says_to_migrate(kafka_settings: Settings) -> None:
    from amp.adapters.kafka.message_queue import KafkaMessageQueue

    queue = KafkaMessageQueue(kafka_settings, background_threads())
    consumer = queue.consume(Topic.REALTIME, "index")
    with pytest.raises(NotMigrated, match="amp migrate"):
        consumer.poll(1, DEADLINE_S)
    consumer.close()
    queue.close()


def test_an_emptied_topic_has_no_lag(kafka: QueueProfile, kafka_settings: Settings) -> None:
    """Events that were removed by age are not waited for."""
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    put(kafka.queue, [event() for _ in range(20)])
    topic = f"{kafka_settings.kafka_topic_prefix}.realtime"
    admin = AdminClient({"bootstrap.servers": kafka_settings.kafka_bootstrap})
    ends = [TopicPartition(topic, number, -1) for number in range(12)]
    for removed in admin.delete_records(ends).values():
        removed.result(DEADLINE_S)
    assert kafka.queue.lag(Topic.REALTIME, "index") == 0
