"""Reads of the intent log that failed are made again, the wide ones too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from amp.adapters.cassandra.intent_log import CassandraIntentLog
from amp.domain.messages import Intent
from amp.errors import StoreUnavailable
from tests.support.asset_samples import creation, intent_for

_NOW_MS = 1_800_000_000_000
_DAY_MS = 86_400_000


class Session:
    """An empty keyspace; notes from where intents are read, and fails while it is told to."""

    def __init__(self) -> None:
        self.read_from_ms: list[int] = []
        self.down = False
        self.rows: list[tuple[Any, ...]] = []

    def run(self, cql: str, _values: tuple[Any, ...] = ()) -> list[tuple[int, ...]]:
        return [(_NOW_MS,)] if "schema_migrations" in cql else []

    def run_many(self, requests: Sequence[tuple[str, tuple[int, ...]]]) -> list[list[Any]]:
        return self.rows_of_many(requests)

    def rows_of_many(self, requests: Sequence[tuple[str, tuple[int, ...]]]) -> list[list[Any]]:
        if self.down:
            raise StoreUnavailable
        reads = [values for cql, values in requests if cql.startswith("SELECT")]
        self.read_from_ms += [values[2] for values in reads]
        return [
            sorted(
                (row for row in self.rows if values[2] <= row[6] <= values[3] and _is_in(row, values)),
                key=lambda row: (row[6], row[0]),
            )[: values[4]]
            for values in reads
        ]


def test_a_wide_read_that_failed_is_made_again_by_the_next_call() -> None:
    session = Session()
    log = CassandraIntentLog(session, first_wide_s=0)  # type: ignore[arg-type]
    session.down = True
    with pytest.raises(StoreUnavailable):
        log.due(_NOW_MS, 10)
    session.down = False
    log.due(_NOW_MS, 10)
    assert min(session.read_from_ms) <= _NOW_MS - _DAY_MS
    session.read_from_ms.clear()
    log.due(_NOW_MS, 10)
    assert min(session.read_from_ms) > _NOW_MS - _DAY_MS


def test_what_a_fast_clock_deferred_is_due_once_it_is_set_back() -> None:
    session = Session()
    log = CassandraIntentLog(session)  # type: ignore[arg-type]
    ahead_ms = _NOW_MS + _DAY_MS
    log.due(ahead_ms, 10)
    intent = intent_for(creation(), _NOW_MS - 10_000)
    session.rows = [_row(replace(intent, recorded_ms=_NOW_MS - 10_000, due_ms=ahead_ms + 7_200_000))]
    [found] = log.due(_NOW_MS, 10)
    assert found.message == intent.message
    assert log.due(_NOW_MS + 1, 10) == [found], "another reader of this log has not settled it"
    session.rows.clear()
    log.clear([found])
    session.read_from_ms.clear()
    assert log.due(_NOW_MS + 2, 10) == []
    assert max(session.read_from_ms) <= _NOW_MS + 2, "all is read once"


@pytest.mark.parametrize(("apart_ms", "deferred_rightly"), [(0, 30), (1, 0), (100, 30)])
def test_all_that_a_fast_clock_dated_is_found_though_there_is_much(apart_ms: int, deferred_rightly: int) -> None:
    session, limit = Session(), 10
    log = CassandraIntentLog(session)  # type: ignore[arg-type]
    log.due(_NOW_MS + _DAY_MS, limit)
    # All in one shard, and within one minute.
    crowd = [intent for intent in (intent_for(creation(), 0) for _ in range(900)) if _shard(intent) == 0]
    later_ms = _NOW_MS - _NOW_MS % 60_000 + 3_600_000
    right = [replace(each, recorded_ms=_NOW_MS - 7_200_000, due_ms=later_ms) for each in crowd[:deferred_rightly]]
    wrong = [
        replace(each, recorded_ms=_NOW_MS - 10_000, due_ms=later_ms + n * apart_ms)
        for n, each in enumerate(crowd[deferred_rightly : deferred_rightly + 35])
    ]
    session.rows = [_row(intent) for intent in [*right, *wrong]]
    left = {intent.message.asset_id for intent in wrong}
    for tick in range(12):
        found = log.due(_NOW_MS + tick, limit)
        left -= {intent.message.asset_id for intent in found}
        session.rows = [row for row in session.rows if row[0] not in {intent.message.asset_id for intent in found}]
        log.clear(found)
        if not left:
            break
    assert not left
    assert len(session.rows) == len(right), "what was rightly deferred is left alone"


def _shard(intent: Intent) -> int:
    return crc32(intent.message.asset_id.bytes) % 8


def _row(intent: Intent) -> tuple[Any, ...]:
    event = intent.message
    scope = event.scope.value
    return event.asset_id, event.version, event.revision, scope, event.change_id, intent.recorded_ms, intent.due_ms


def _is_in(row: tuple[Any, ...], values: tuple[int, ...]) -> bool:
    """Whether the row is in the shard and the minute that are read."""
    return crc32(row[0].bytes) % 8 == values[0] and row[6] // 60_000 == values[1]
