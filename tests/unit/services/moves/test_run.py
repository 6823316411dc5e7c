"""A move says in its history that it waits, if it does."""

import threading
from typing import Any

import pytest

from amp.domain.buckets import BucketMap, first_map
from amp.domain.ids import mint_at
from amp.domain.jobs import Note
from amp.domain.move_phases import dual, planned_split
from amp.errors import SearchUnavailable
from amp.metrics import Metrics
from amp.services.moves.run import MoveRunner, MoveTimes
from tests.support.clock import ManualClock

_AT_S = 1_700_000_000


class Maps:
    def refresh(self) -> BucketMap:
        first = first_map("amp")
        return dual(planned_split(first, "amp", first.buckets[0], _AT_S, mint_at(_AT_S * 1000)))


class Down:
    """The aliases of an index that does not answer."""

    def rotate(self, _: BucketMap) -> None:
        raise SearchUnavailable("no answer")


class History:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, _job_id: object, note: Note) -> None:
        self.notes.append(note.text)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def mover(clock: ManualClock, history: History) -> MoveRunner:
    nothing: Any = None
    aliases: Any = Down()
    maps: Any = Maps()
    jobs: Any = history
    return MoveRunner(
        maps=maps, indices=nothing, documents=nothing, jobs=jobs, clock=clock, aliases=aliases, range_copy=nothing,
        metrics=Metrics(), cleanup=nothing, times=MoveTimes(longest_search=1.0),
    )  # fmt: skip


def fail(mover: MoveRunner) -> None:
    with pytest.raises(SearchUnavailable):
        mover.advance(threading.Event())


def test_a_move_that_fails_time_and_again_says_why_it_waits(
    mover: MoveRunner, clock: ManualClock, history: History
) -> None:
    for _ in range(4):
        fail(mover)
        clock.now_s += 4
    assert history.notes == ["dual waits: no answer"]


def test_faults_hours_apart_are_no_wait(mover: MoveRunner, clock: ManualClock, history: History) -> None:
    for _ in range(3):
        fail(mover)
        clock.now_s += 7_200
    assert history.notes == []
