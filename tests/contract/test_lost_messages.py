"""Messages that a queue loses are never taken for delivered, neither by its clients nor by a replay of dead letters."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from amp.adapters.clock import SystemClock
from amp.domain.assets import Scope
from amp.domain.dead_letters import dead_letter_for
from amp.domain.ids import mint_at
from amp.domain.messages import AnyMessage, AssetChanged, JobItem, message_json
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.errors import QueueUnavailable
from amp.ports.message_queue import MessageQueue, Topic
from amp.profiles import Adapters, embedded
from amp.services.jobs.dead_letters import DeadLetterAdmin, DeadLetterFilter
from amp.services.runtime.delivery import publish_durably
from amp.settings import load_settings
from tests.contract.conftest import store_part
from tests.support.jobs.job_log import asset_job
from tests.support.queues.profiles import QueueProfile, make_queue_profile  # noqa: F401 - the fixture `queue_profile`

DEADLINE_S = 30
#: Messages of each test.
_COUNT = 20


class FlushedByOthers:
    """A queue that another thread flushes whenever this one has published."""

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue

    def publish(
        self, topic: Topic, events: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None] | None = None
    ) -> None:
        self._queue.publish(topic, events, on_delivered)
        self._queue.flush(DEADLINE_S)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Adapters]:
    with closing(embedded(load_settings({"data_dir": str(tmp_path / "letters")}))) as adapters:
        store_part(adapters).migrate()
        yield adapters


def events(count: int) -> list[AssetChanged]:
    return [
        AssetChanged(asset_id=uuid4(), version=1, revision=1, scope=Scope.HEAD, change_id=uuid4()) for _ in range(count)
    ]


def test_a_flush_after_a_lossy_publish_reports_only_durable_messages(queue_profile: QueueProfile) -> None:
    queue, sent = queue_profile.losing(), events(_COUNT)
    reported: list[AnyMessage] = []
    queue.publish(Topic.REALTIME, sent, reported.append)
    assert queue.flush(DEADLINE_S)
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == len(reported) < len(sent)
    assert set(reported) < set(sent)


def test_messages_are_durable_one_by_one_whoever_flushes(queue_profile: QueueProfile) -> None:
    queue, sent = FlushedByOthers(queue_profile.losing()), events(_COUNT)
    delivered = publish_durably(queue, Topic.REALTIME, sent)
    assert queue_profile.queue.lag(Topic.REALTIME, "index") == len(delivered) < len(sent)


def test_a_replay_removes_only_dead_letters_whose_message_is_in_the_queue(
    queue_profile: QueueProfile, store: Adapters
) -> None:
    for event in events(_COUNT):
        store.dead_letters.put(dead_letter_for(Topic.REALTIME, event, orjson.dumps(message_json(event)), "bad", "", 1))
    admin = DeadLetterAdmin(
        dead_letters=store.dead_letters,
        queue=FlushedByOthers(queue_profile.losing()),
        jobs=store.jobs,
        chunks=store.chunks,
        clock=SystemClock(),
    )
    with pytest.raises(QueueUnavailable, match=f"of {_COUNT} messages"):
        admin.replay(DeadLetterFilter(), BUCKET_WORKER)
    left = admin.page(DeadLetterFilter(), None, 200, Principal()).dead_letters
    assert len(left) == _COUNT - queue_profile.queue.lag(Topic.REALTIME, "index")


def test_a_replay_of_a_jobs_dead_letters_says_that_messages_were_lost(
    queue_profile: QueueProfile, store: Adapters
) -> None:
    job = asset_job(id=mint_at(1_700_000_000_000))
    store.jobs.add(job)
    for number in range(_COUNT):
        event = JobItem(job_id=job.id, chunk=number, asset_id=uuid4())
        store.dead_letters.put(dead_letter_for(Topic.BULK, event, orjson.dumps(message_json(event)), "bad", "", 1))
    admin = DeadLetterAdmin(
        dead_letters=store.dead_letters,
        queue=FlushedByOthers(queue_profile.losing()),
        jobs=store.jobs,
        chunks=store.chunks,
        clock=SystemClock(),
    )
    with pytest.raises(QueueUnavailable):
        admin.replay(DeadLetterFilter(job_id=job.id), BUCKET_WORKER)
    assert len(admin.page(DeadLetterFilter(), None, 200, Principal()).dead_letters) == _COUNT
