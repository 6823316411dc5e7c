"""The relay puts off what is not applied yet, but no longer than its clock was wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from amp.metrics import Metrics
from amp.profiles import embedded
from amp.services.outbox.relay import IntentRelay
from amp.settings import load_settings
from tests.support.asset_samples import creation, intent_for, now_ms
from tests.support.clock import ManualClock

_HOUR_MS = 3_600_000


@pytest.mark.parametrize("hours", [1, 24])
def test_an_intent_deferred_by_a_fast_clock_is_relayed_after_correction(tmp_path: Path, hours: int) -> None:
    a, clock = embedded(load_settings({"profile": "embedded", "data_dir": tmp_path})), ManualClock(epoch_ms=now_ms())
    try:
        a.components[0].migrate()
        relay = IntentRelay(intents=a.intents, store=a.store, queue=a.queue, clock=clock, metrics=Metrics())
        change = creation()
        a.store.prepare([(change, intent_for(change))])
        clock.wall_ms = now_ms() + hours * 3_600_000
        # Between the two steps of its writer.
        assert relay.relay_once() == 1
        a.store.apply([change])
        clock.wall_ms = now_ms()
        assert relay.relay_once() == 1
        assert a.intents.due(now_ms() + 100 * 3_600_000, 10) == []
        assert relay.relay_once() == 0
    finally:
        a.close()


def test_an_intent_that_another_relay_drops_is_not_remembered_for_ever(tmp_path: Path) -> None:
    a, clock = embedded(load_settings({"profile": "embedded", "data_dir": tmp_path})), ManualClock()
    clock.wall_ms = now_ms() + 60_000
    try:
        a.components[0].migrate()
        relay = IntentRelay(intents=a.intents, store=a.store, queue=a.queue, clock=clock, metrics=Metrics())
        for hour in range(5):
            change = creation()
            a.store.prepare([(change, replace(intent_for(change), recorded_ms=now_ms() - 25 * _HOUR_MS))])
            assert relay.relay_once() == 1
            assert len(relay._first_seen_s) == 1, hour
            a.intents.clear(a.intents.due(now_ms() + 120_000, 10))
            clock.now_s += 3_600
    finally:
        a.close()
