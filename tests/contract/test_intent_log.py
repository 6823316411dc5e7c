"""The contract of the intent log, over every adapter.

Cassandra's log keeps what is due in order of time and forgets the past, so the tests use times around now.
"""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from amp.adapters.cassandra.intent_log import CassandraIntentLog
from amp.domain.messages import Intent
from amp.ports.intent_log import IntentLog
from amp.profiles import Adapters
from tests.support.asset_samples import creation, intent_for, now_ms, write

_HOUR_MS = 3_600_000


class Recorded:
    """Intents of this test among all there are, cleared at its end."""

    def __init__(self, store_profile: Adapters) -> None:
        self._profile = store_profile
        self._all: list[Intent] = []

    def record(self, due_ms: int, count: int = 1) -> list[Intent]:
        pairs = [(change, intent_for(change, due_ms + i)) for i, change in enumerate(creation() for _ in range(count))]
        self._profile.store.prepare(pairs)
        intents = [intent for _, intent in pairs]
        self._all += intents
        return intents

    def due(self, at_ms: int, limit: int = 10_000) -> list[Intent]:
        ours = {intent.message.asset_id for intent in self._all}
        return [intent for intent in self._profile.intents.due(at_ms, limit) if intent.message.asset_id in ours]

    def defer(self, intent: Intent, due_ms: int) -> Intent:
        self._profile.intents.defer(intent, due_ms)
        deferred = dataclasses.replace(intent, due_ms=due_ms)
        self._all.append(deferred)
        return deferred

    def clear(self, intents: list[Intent]) -> None:
        self._profile.intents.clear(intents)

    def clear_all(self) -> None:
        self._profile.intents.clear(self._all)


@pytest.fixture
def new_intents(store_profile: Adapters) -> Callable[[], IntentLog]:
    """Makes the intent log of a process that has just started."""
    match store_profile.intents:
        case CassandraIntentLog() as intents:
            return lambda: CassandraIntentLog(intents._session, first_wide_s=0, clock_error_ms=2 * _HOUR_MS)
        case intents:
            return lambda: intents


@pytest.fixture
def log(store_profile: Adapters) -> Iterator[Recorded]:
    recorded = Recorded(store_profile)
    yield recorded
    recorded.clear_all()


def test_a_prepared_change_leaves_its_intent_as_it_was_given(log: Recorded) -> None:
    now = now_ms()
    (intent,) = log.record(now)
    assert log.due(now) == [intent]


def test_an_intent_is_due_from_its_time_on_and_not_before(log: Recorded) -> None:
    now = now_ms()
    (intent,) = log.record(now + 90_000)
    assert log.due(now) == []
    assert log.due(now + 89_999) == []
    assert log.due(now + 90_000) == [intent]
    assert log.due(now + 120_000) == [intent]


def test_due_intents_stay_until_they_are_cleared(log: Recorded) -> None:
    now = now_ms()
    kept, cleared = log.record(now, 2)
    assert log.due(now + 1) == log.due(now + 1) == [kept, cleared]
    log.clear([cleared])
    assert log.due(now + 1) == [kept]


def test_intents_recorded_by_a_writer_that_was_slow_are_found(log: Recorded) -> None:
    now = now_ms()
    (timely,) = log.record(now)
    assert log.due(now) == [timely]
    (late,) = log.record(now - 20_000)
    assert set(log.due(now)) == {timely, late}


def test_an_intent_of_a_writer_whose_clock_was_behind_is_found(
    store_profile: Adapters, log: Recorded, new_intents: Callable[[], IntentLog]
) -> None:
    now = now_ms()
    assert store_profile.intents.due(now + 700_000, 1_000) is not None  # the marks are raised meanwhile
    (late,) = log.record(now - _HOUR_MS)
    found = new_intents().due(now, 10_000)
    assert late in found


def test_an_intent_of_a_writer_whose_clock_was_ahead_is_found(
    store_profile: Adapters, log: Recorded, new_intents: Callable[[], IntentLog]
) -> None:
    now = now_ms()
    (change,) = [creation()]
    then = now + _HOUR_MS
    intent = dataclasses.replace(intent_for(change, then + 5_000), recorded_ms=then)
    store_profile.store.prepare([(change, intent)])
    assert intent in new_intents().due(now, 10_000)
    log.clear([intent])


def test_an_intent_deferred_by_a_relay_whose_clock_was_ahead_is_found(
    log: Recorded, new_intents: Callable[[], IntentLog]
) -> None:
    now = now_ms()
    by_the_age_it_seemed_to_have, timely = log.record(now - 10_000, 2)
    deferred = log.defer(by_the_age_it_seemed_to_have, now + 2 * _HOUR_MS)
    later = log.defer(timely, now + 12_000)
    found = new_intents().due(now, 10_000)
    assert deferred in found
    assert later not in found
    log.clear([deferred, later])


@pytest.mark.parametrize("hours", [1, 6])
def test_a_relay_finds_what_is_due_once_its_clock_is_corrected(log: Recorded, hours: int) -> None:
    now = now_ms()
    log.due(now)
    log.due(now + hours * _HOUR_MS)
    (intent,) = log.record(now + 30_000)
    assert log.due(now + 40_000) == [intent]
    (later,) = log.record(now + 90_000)
    assert log.due(now + 100_000) == [intent, later]


def test_clearing_what_is_not_there_does_nothing(log: Recorded) -> None:
    now = now_ms()
    gone, kept = log.record(now, 2)
    log.clear([gone])
    log.clear([gone])
    log.clear([])
    assert log.due(now + 1) == [kept]


def test_intents_of_several_changes_of_one_asset_are_several(store_profile: Adapters, log: Recorded) -> None:
    now = now_ms()
    (first,) = log.record(now)
    second = dataclasses.replace(
        first, message=dataclasses.replace(first.message, revision=2, change_id=creation().after.id)
    )
    store_profile.store.prepare([(creation(id=first.message.asset_id), second)])
    assert set(log.due(now)) == {first, second}
    log.clear([first])
    assert log.due(now) == [second]
    log.clear([second])


def test_the_limit_keeps_the_answer_short_and_the_oldest_come_first(log: Recorded) -> None:
    now = now_ms()
    log.record(now, 40)
    assert len(log.due(now + 100, limit=15)) <= 15
    found = [intent.due_ms for intent in log.due(now + 100)]
    assert len(found) == 40
    # About: to the second.
    assert [due // 1000 for due in found] == sorted(due // 1000 for due in found)


def test_all_due_intents_are_found_by_clearing_page_by_page(store_profile: Adapters, log: Recorded) -> None:
    now = now_ms()
    left = set(log.record(now, 100))
    # What other tests left is cleared on the way.
    while page := store_profile.intents.due(now + 200, limit=30):
        assert len(page) <= 30
        left -= set(page)
        store_profile.intents.clear(page)
    assert left == set()


def test_a_deferred_intent_is_due_at_its_new_time_only(log: Recorded) -> None:
    now = now_ms()
    (intent,) = log.record(now)
    deferred = log.defer(intent, now + 100_000)
    assert log.due(now + 99_999) == []
    assert log.due(now + 100_000) == [deferred]
    log.clear([deferred])
    assert log.due(now + 110_000) == []


def test_applying_a_change_leaves_its_intent(store_profile: Adapters) -> None:
    change = creation()
    write(store_profile.store, change)
    found = [i for i in store_profile.intents.due(now_ms() + 10_000, 10_000) if i.message.asset_id == change.after.id]
    assert [intent.message.change_id for intent in found] == [change.after.change_id]
    store_profile.intents.clear(found)
    found = [i for i in store_profile.intents.due(now_ms() + 10_000, 10_000) if i.message.asset_id == change.after.id]
    assert found == []
