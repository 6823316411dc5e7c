"""Retries wait longer and longer, end with the stop event, and never hide an error that no retry can cure."""

import threading
from collections.abc import Sequence

import pytest
from tenacity import RetryError, TryAgain

from amp.errors import Invalid, StoreUnavailable
from amp.services.runtime.retry import Backoff, Stopped, attempts, retry_briefly, retry_rest, retry_until_stopped
from tests.support.clock import ManualClock

QUICK = Backoff(first_s=0.001, max_s=0.002)


class Calls:
    """Raises what it is given, one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_call_is_repeated_until_it_answers() -> None:
    call = Calls(StoreUnavailable(), StoreUnavailable())
    assert retry_until_stopped(call, threading.Event(), "test", QUICK) == "answer"
    assert call.count == 3


def test_an_error_that_no_retry_can_cure_is_raised_at_once() -> None:
    call = Calls(Invalid("no"))
    with pytest.raises(Invalid, match="no"):
        retry_until_stopped(call, threading.Event(), "test", QUICK)
    assert call.count == 1


def test_a_stop_ends_the_pause_and_no_further_call_is_made() -> None:
    stop = threading.Event()
    stop.set()
    call = Calls(StoreUnavailable())
    with pytest.raises(Stopped):
        retry_until_stopped(call, stop, "test", Backoff(first_s=1_000.0, max_s=1_000.0))
    assert call.count == 1


def test_a_stop_during_the_pause_ends_it() -> None:
    stop = threading.Event()
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise StoreUnavailable

    outcome: list[type[Exception]] = []

    def run() -> None:
        try:
            retry_until_stopped(fail, stop, "test", Backoff(first_s=1_000.0, max_s=1_000.0))
        except Stopped as e:
            outcome.append(type(e))

    thread = threading.Thread(target=run)
    thread.start()
    assert failed.wait(30)
    stop.set()
    thread.join(30)
    assert outcome == [Stopped]


def test_the_rest_is_attempted_again_until_nothing_is_left() -> None:
    seen: list[list[int]] = []

    def attempt(items: Sequence[int]) -> list[int]:
        seen.append(list(items))
        return [item for item in items if item > len(seen)]

    retry_rest(attempt, [1, 2, 3], threading.Event(), QUICK)
    assert seen == [[1, 2, 3], [2, 3], [3]]


def test_nothing_is_attempted_for_nothing() -> None:
    retry_rest(lambda _: pytest.fail("called"), [], threading.Event(), QUICK)


def test_the_rest_is_left_when_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        retry_rest(lambda items: items, [1], stop, QUICK)


def test_bounded_attempts_pause_in_between_and_end() -> None:
    clock, call = ManualClock(), Calls(*[TryAgain()] * 9)
    with pytest.raises(RetryError):
        attempts(clock, 4, Backoff(first_s=1.0, max_s=2.0))(call)
    assert call.count == 4
    bounds = [1.0, 2.0, 2.0]
    assert len(clock.slept) == 3
    assert all(bound / 2 <= slept <= bound for slept, bound in zip(clock.slept, bounds, strict=True))


def test_the_longest_pause_holds_however_often_it_failed() -> None:
    assert 2.5 <= Backoff(first_s=0.05, max_s=5.0).pause_s(10_000) <= 5.0


def test_a_call_is_retried_a_few_times_and_only_on_retryable_errors() -> None:
    def may_pass(error: BaseException) -> bool:
        return isinstance(error, StoreUnavailable)

    call = Calls(StoreUnavailable(), StoreUnavailable())
    assert retry_briefly(call, may_pass, limit=3, backoff=QUICK) == "answer"
    call = Calls(StoreUnavailable("1"), StoreUnavailable("2"), StoreUnavailable("3"))
    with pytest.raises(StoreUnavailable, match="2"):
        retry_briefly(call, may_pass, limit=2, backoff=QUICK)
    call = Calls(StoreUnavailable("1"), StoreUnavailable("2"))
    with pytest.raises(StoreUnavailable, match="1"):
        retry_briefly(call, may_pass, limit=3, within_s=0.0, backoff=QUICK)
    call = Calls(Invalid("no"), Invalid("no"))
    with pytest.raises(Invalid, match="no"):
        retry_briefly(call, may_pass, limit=3, backoff=QUICK)
    assert call.count == 1
