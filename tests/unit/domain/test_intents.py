"""When an intent is due, whichever clocks have dated it."""

import pytest

from amp.domain.messages import MAX_DEFERRAL_MS, Intent, deferral_ms
from tests.support.asset_samples import creation, intent_for

_NOW_MS, _HOUR_MS = 1_800_000_000_000, 3_600_000


def intent(recorded_ms: int, due_ms: int) -> Intent:
    return Intent(message=intent_for(creation()).message, recorded_ms=recorded_ms, due_ms=due_ms)


@pytest.mark.parametrize("age_ms", [0, 5_000, 100_000, _HOUR_MS, 30 * _HOUR_MS])
def test_an_intent_that_was_deferred_is_not_due_before_its_time(age_ms: int) -> None:
    deferred = intent(_NOW_MS - age_ms, _NOW_MS + deferral_ms(age_ms))
    assert not deferred.is_due(_NOW_MS)
    assert not deferred.is_due(_NOW_MS - 20_000), "clocks differ a little"
    assert not deferred.is_due(deferred.due_ms - 1)
    assert deferred.is_due(deferred.due_ms)


@pytest.mark.parametrize("ahead_ms", [150_000, _HOUR_MS, 25 * _HOUR_MS])
@pytest.mark.parametrize("age_ms", [0, 100_000, 5 * _HOUR_MS])
def test_one_that_was_deferred_by_a_clock_that_was_ahead_is_due(age_ms: int, ahead_ms: int) -> None:
    assert intent(_NOW_MS - age_ms, _NOW_MS + ahead_ms + deferral_ms(age_ms + ahead_ms)).is_due(_NOW_MS)


def test_one_that_was_recorded_by_a_clock_that_was_ahead_is_due() -> None:
    assert intent(_NOW_MS + _HOUR_MS, _NOW_MS + _HOUR_MS + 5_000).is_due(_NOW_MS)


def test_no_intent_is_deferred_for_longer_than_a_relay_reads_ahead() -> None:
    assert deferral_ms(400 * _HOUR_MS) == MAX_DEFERRAL_MS
