"""What publishers and consumers see while a broker of their own dies, hangs and comes back."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from amp.adapters.kafka.component import KafkaComponent
from amp.adapters.kafka.consumer import KafkaConsumer
from amp.adapters.kafka.message_queue import KafkaMessageQueue
from amp.domain.messages import AssetChanged
from amp.errors import QueueUnavailable
from amp.ports.message_queue import Topic
from amp.settings import Settings, load_settings
from tests.support.background import background_threads
from tests.support.queues.events import event, events_of, put, revisions, take, take_and_commit, unordered
from tests.support.stack import Stack
from tests.support.stack.server import Server

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A killed broker is let in again only after its old session ended, usually 9 s later.
    quick = {"broker.session.timeout.ms": 3_000, "broker.heartbeat.interval.ms": 500}
    with Stack(tmp_path_factory.mktemp("kafka"), only=("kafka",), settings={"kafka": quick}, quick=True) as stack:
        yield stack.kafka


@pytest.fixture
def broker(own_broker: Server) -> Server:
    """Up at the start of each test."""
    if not own_broker.answers():
        bring_back(own_broker)
    return own_broker


@pytest.fixture
def settings(broker: Server) -> Settings:
    found = load_settings(
        {
            "kafka_bootstrap": broker.address,
            "kafka_topic_prefix": f"test_{uuid.uuid4().hex[:8]}",
            "kafka_partitions": 4,
        }
    )
    KafkaComponent(found).migrate()
    return found


@pytest.fixture
def queue(settings: Settings) -> Iterator[KafkaMessageQueue]:
    with closing(KafkaMessageQueue(settings, background_threads())) as made:
        yield made


@pytest.fixture
def consumer(queue: KafkaMessageQueue) -> Iterator[KafkaConsumer]:
    """Well settled in its group."""
    with closing(queue.consume(Topic.REALTIME, "index")) as made:
        put(queue, [event()])
        take_and_commit(made, 1)
        yield made


def bring_back(broker: Server) -> None:
    """A paused one starts anew: lone brokers that slept past their session find no controller for up to a minute."""
    broker.kill()
    broker.start()
    broker.wait_ready()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def test_events_published_while_the_broker_is_down_are_delivered_later(
    broker: Server, queue: KafkaMessageQueue, consumer: KafkaConsumer
) -> None:
    delivered: list[AssetChanged] = []
    sent = revisions(uuid.uuid4(), 1000)
    broker.kill()
    with within(1):
        queue.publish(Topic.REALTIME, sent, delivered.append)
    assert not queue.flush(0.5)
    assert delivered == []
    bring_back(broker)
    assert queue.flush(25)
    assert delivered == sent
    assert events_of(take(consumer, 1000)) == sent


def test_events_beyond_the_buffer_are_dropped_and_not_reported(broker: Server, queue: KafkaMessageQueue) -> None:
    delivered: list[AssetChanged] = []
    put(queue, [event()])
    sent = [event() for _ in range(120_000)]
    broker.kill()
    with within(10):
        queue.publish(Topic.REALTIME, sent, delivered.append)
    assert queue.lost >= 20_000
    bring_back(broker)
    assert queue.flush(60)
    assert len(delivered) == 120_000 - queue.lost
    assert queue.lag(Topic.REALTIME, "index") == 1 + len(delivered)
    put(queue, [event()])


def test_the_order_of_an_assets_events_survives_restarts_of_the_broker(
    broker: Server, queue: KafkaMessageQueue, consumer: KafkaConsumer
) -> None:
    sent = revisions(uuid.uuid4(), 400)
    enough = threading.Event()

    def publish() -> None:
        for one in sent:
            queue.publish(Topic.REALTIME, [one])
            enough.wait(0.01)

    publisher = threading.Thread(target=publish)
    publisher.start()
    got = events_of(take(consumer, 50))
    broker.kill()
    bring_back(broker)
    enough.set()
    publisher.join()
    while sent[-1] not in got:
        got += events_of(take(consumer, 1))
    # What came before the restart may come again; what is new comes in order, and none is missing.
    assert list(dict.fromkeys(got)) == sent


def test_a_consumer_goes_on_by_itself_after_a_restart_of_the_broker(
    broker: Server, queue: KafkaMessageQueue, consumer: KafkaConsumer
) -> None:
    broker.kill()
    with within(3):
        assert consumer.poll(10, 1) == []
    consumer.keep_alive()
    bring_back(broker)
    sent = [event() for _ in range(10)]
    put(queue, sent)
    assert unordered(take_and_commit(consumer, 10)) == set(sent)
    assert queue.lag(Topic.REALTIME, "index") == 0


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_without_a_broker_nobody_waits_long(
    broker: Server, settings: Settings, queue: KafkaMessageQueue, consumer: KafkaConsumer, fault: str
) -> None:
    put(queue, [event()])
    taken = take(consumer, 1)
    getattr(broker, fault)()
    calls: list[tuple[float, Callable[[], object]]] = [
        (3, KafkaComponent(settings).ping),
        (7, lambda: queue.lag(Topic.REALTIME, "index")),
        (12, lambda: consumer.commit(taken)),
    ]
    for seconds, call in calls:
        with within(seconds), pytest.raises(QueueUnavailable):
            call()
    with within(5):
        consumer.poll(10, 1)
        consumer.keep_alive()
        queue.publish(Topic.REALTIME, [event()])
    with within(15):
        queue.consume(Topic.REALTIME, "index").close()
    bring_back(broker)


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_member_leaves_without_a_broker(
    broker: Server, queue: KafkaMessageQueue, consumer: KafkaConsumer, fault: str
) -> None:
    put(queue, [event()])
    take(consumer, 1)
    getattr(broker, fault)()
    with within(15):
        consumer.close()
    bring_back(broker)
