"""A replay of dead letters fails exactly when the queue did not accept a message."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import pytest

from amp.adapters.clock import SystemClock
from amp.domain.dead_letters import dead_letter_for
from amp.domain.messages import AssetChanged, Message, message_json, message_of
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.errors import QueueUnavailable
from amp.ports.message_queue import Topic
from amp.profiles import Adapters, embedded
from amp.services.jobs.dead_letters import DeadLetterAdmin, DeadLetterFilter
from amp.services.runtime.delivery import publish_durably
from amp.settings import load_settings
from tests.support.asset_samples import creation


class Queue:
    """A queue that reports delivery on flush or, if `late`, only after it."""

    def __init__(self) -> None:
        self.late = False
        self.reports: list[tuple[Callable[[Message], None], Message]] = []

    def publish(self, _: Topic, events: Sequence[Message], on_delivered: Callable[[Message], None]) -> None:
        self.reports += [(on_delivered, event) for event in events]

    def flush(self, _: float) -> bool:
        if not self.late:
            self.report()
        return not self.late

    def report(self) -> None:
        for on_delivered, event in self.reports:
            on_delivered(event)
        self.reports.clear()


@pytest.fixture
def adapters(tmp_path: Path) -> Iterator[Adapters]:
    a = embedded(load_settings({"profile": "embedded", "data_dir": tmp_path}))
    try:
        a.components[0].migrate()
        yield a
    finally:
        a.close()


def _letters_of_one_event(a: Adapters) -> AssetChanged:
    """Two dead letters: the event was put aside from both topics of live traffic."""
    event = message_of(creation())
    for topic in (Topic.REALTIME, Topic.RETRY):
        a.dead_letters.put(dead_letter_for(topic, event, orjson.dumps(message_json(event)), "why", "", 1))
    return event


def test_a_replay_of_one_event_with_two_dead_letters_is_no_failure(adapters: Adapters) -> None:
    _letters_of_one_event(adapters)
    steer = DeadLetterAdmin(
        dead_letters=adapters.dead_letters,
        queue=Queue(),
        jobs=adapters.jobs,
        chunks=adapters.chunks,
        clock=SystemClock(),
    )  # type: ignore[arg-type]
    assert steer.replay(DeadLetterFilter(), BUCKET_WORKER).count == 2
    assert steer.page(DeadLetterFilter(), None, 10, Principal()).dead_letters == ()


def test_a_replay_counts_every_dead_letter_whose_message_was_not_taken(adapters: Adapters) -> None:
    _letters_of_one_event(adapters)
    queue = Queue()
    queue.late = True
    steer = DeadLetterAdmin(
        dead_letters=adapters.dead_letters, queue=queue, jobs=adapters.jobs, chunks=adapters.chunks, clock=SystemClock()
    )  # type: ignore[arg-type]
    with pytest.raises(QueueUnavailable, match="did not accept 2 of 2"):
        steer.replay(DeadLetterFilter(), BUCKET_WORKER)
    assert len(steer.page(DeadLetterFilter(), None, 10, Principal()).dead_letters) == 2


def test_what_is_reported_delivered_too_late_changes_no_result() -> None:
    queue, event = Queue(), message_of(creation())
    queue.late = True
    delivered = publish_durably(queue, Topic.REALTIME, [event])  # type: ignore[arg-type]
    assert delivered == set()
    queue.report()
    assert delivered == set()
    queue.late = False
    other = dataclasses.replace(event, revision=2)
    assert publish_durably(queue, Topic.REALTIME, [event, other]) == {event, other}  # type: ignore[arg-type]
