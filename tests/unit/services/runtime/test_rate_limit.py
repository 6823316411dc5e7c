"""A token bucket gives what its rate allows, keeps a second of it at most, and lets its users go into debt."""

import pytest

from amp.services.runtime.rate_limit import TokenBucket
from tests.support.clock import ManualClock


def test_tokens_accrue_at_the_rate_and_a_second_of_them_is_kept() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock)
    assert bucket.available(10) == 0
    clock.now_s += 0.5
    assert bucket.available(10) == 5
    clock.now_s += 60
    assert bucket.available(10) == 10


def test_a_batch_larger_than_the_rate_gets_its_tokens_in_the_end() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock)
    clock.now_s += 60
    assert bucket.available(2, burst=100) == 100


def test_what_is_taken_beyond_delays_the_next() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock)
    bucket.take(10)
    clock.now_s += 0.5
    assert bucket.available(10) == -5
    clock.now_s += 1
    assert bucket.available(10) == pytest.approx(5)


def test_a_pause_can_be_forgotten() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock)
    clock.now_s += 60
    bucket.forget()
    assert bucket.available(10) == 0
