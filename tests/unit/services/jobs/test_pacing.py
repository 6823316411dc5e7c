"""How fast a job goes: at its rate, slower while live traffic waits, and never so slow that it stands still."""

import pytest

from amp.errors import QueueUnavailable
from amp.services.jobs.pacing import JobPace
from tests.support.clock import ManualClock

MOST_WAITING = 100
STEP_S = 0.1


class PacedJob:
    """A job that looks for room ten times a second, as the extractor does when it is busy, and takes all it gets."""

    def __init__(self) -> None:
        self.clock = ManualClock(now_s=1000.0)
        self.waiting = 0
        self.down = False
        self.looks = 0
        self.pace = JobPace(self.clock, self.look, MOST_WAITING)

    def look(self) -> int:
        self.looks += 1
        if self.down:
            raise QueueUnavailable("down")
        return self.waiting

    def taken_in(self, seconds: float, rate: float | None, wanted: int = 500, every_s: float = STEP_S) -> int:
        total = 0
        for _ in range(round(seconds / every_s)):
            self.clock.now_s += every_s
            while room := self.pace.room(rate, wanted):
                assert room <= wanted
                self.pace.consume(room)
                total += room
                if rate is None:
                    break
        return total


@pytest.fixture
def job() -> PacedJob:
    return PacedJob()


@pytest.mark.parametrize("rate", [30.0, 50.0, 100.0, 200.0])
@pytest.mark.parametrize("every_s", [0.1, 0.4])
def test_a_rate_is_kept(job: PacedJob, rate: float, every_s: float) -> None:
    assert job.taken_in(60, rate, every_s=every_s) == pytest.approx(60 * rate, rel=0.05)


def test_a_high_rate_is_reached_within_seconds_and_kept(job: PacedJob) -> None:
    job.taken_in(30, 2000.0)
    assert job.taken_in(60, 2000.0) == pytest.approx(120_000, rel=0.05)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 1.5, 7.0, 12.0])
def test_a_small_rate_moves_and_is_kept(job: PacedJob, rate: float) -> None:
    assert job.taken_in(200, rate) == pytest.approx(200 * rate, rel=0.1, abs=1)


@pytest.mark.parametrize("wanted", [1, 2, 49])
def test_what_is_left_of_a_job_is_let_through_however_little_it_is(job: PacedJob, wanted: int) -> None:
    assert job.taken_in(2, 50.0, wanted) > 0


def test_without_a_rate_nothing_is_held_back_whatever_waits(job: PacedJob) -> None:
    job.waiting = 10**6
    assert job.pace.room(None, 500) == 500
    assert job.taken_in(1, None) == 10 * 500
    assert job.looks == 0


def test_the_pace_halves_to_its_minimum_while_too_much_waits(job: PacedJob) -> None:
    before = job.taken_in(10, 200.0)
    job.waiting = MOST_WAITING + 1
    job.taken_in(1.0, 200.0)
    assert job.taken_in(10, 200.0) < before / 5
    assert job.taken_in(60, 200.0) == pytest.approx(60 * 10, rel=0.05)


def test_as_many_waiting_as_may_wait_slow_nothing(job: PacedJob) -> None:
    job.waiting = MOST_WAITING
    assert job.taken_in(20, 200.0) == pytest.approx(20 * 200, rel=0.05)


def test_the_pace_comes_back_once_nothing_waits(job: PacedJob) -> None:
    job.waiting = MOST_WAITING + 1
    job.taken_in(30, 200.0)
    job.waiting = 0
    first, second, third = (job.taken_in(5, 200.0) for _ in range(3))
    assert 50 <= first < second < third
    assert job.taken_in(20, 200.0) == pytest.approx(20 * 200, rel=0.05)


def test_a_queue_that_does_not_answer_counts_as_busy_and_stops_nothing(job: PacedJob) -> None:
    job.down = True
    job.taken_in(10, 200.0)
    assert job.taken_in(60, 200.0) == pytest.approx(60 * 10, rel=0.05)
    job.down = False
    job.taken_in(30, 200.0)
    assert job.taken_in(20, 200.0) == pytest.approx(20 * 200, rel=0.05)


def test_live_traffic_is_looked_at_twice_a_second_at_most(job: PacedJob) -> None:
    job.taken_in(10, 200.0)
    assert 15 <= job.looks <= 20


def test_nothing_piles_up_while_nobody_asks(job: PacedJob) -> None:
    job.taken_in(10, 100.0)
    job.clock.now_s += 3600
    assert job.taken_in(STEP_S, 100.0) <= 100


def test_a_rate_that_is_raised_or_lowered_counts_from_then_on(job: PacedJob) -> None:
    job.taken_in(5, 20.0)
    job.taken_in(15, 150.0)
    assert job.taken_in(20, 150.0) == pytest.approx(20 * 150, rel=0.05)
    job.taken_in(2, 20.0)
    assert job.taken_in(20, 20.0) == pytest.approx(20 * 20, rel=0.1)


def test_an_unthrottled_job_has_no_credit_when_it_gets_a_rate(job: PacedJob) -> None:
    job.taken_in(60, None)
    assert job.taken_in(1, 50.0) <= 100
