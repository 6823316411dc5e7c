"""The intent log on SQLite: what a former process left is read in parts, and SQL agrees with `Intent.is_due`."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.intent_log import SqliteIntentLog
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.domain.assets import Scope
from amp.domain.messages import DEFERRAL_SLACK_MS, MAX_DEFERRAL_MS, MIN_DEFERRAL_MS, AssetChanged, Intent
from amp.errors import StoreUnavailable

_NOW_MS, _HOUR_MS = 1_800_000_000_000, 3_600_000


@pytest.fixture(scope="module", name="database")
def make_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(Database(tmp_path_factory.mktemp("intents"))) as database:
        SqliteStoreComponent(database).migrate()
        yield database


@pytest.fixture
def intents(database: Database) -> Iterator[sqlite3.Connection]:
    """Empties the table after the test."""
    yield database._writer
    database._writer.execute("DELETE FROM intents")


def _intent(due_ms: int, recorded_ms: int) -> Intent:
    event = AssetChanged(asset_id=uuid.uuid4(), version=1, revision=1, scope=Scope.HEAD, change_id=uuid.uuid4())
    return Intent(message=event, recorded_ms=recorded_ms, due_ms=due_ms)


def _record(connection: sqlite3.Connection, intents: list[Intent]) -> None:
    connection.executemany(
        "INSERT INTO intents (due_ms, asset_id, change_id, version, revision, scope, recorded_ms)"
        " VALUES (?, ?, ?, 1, 1, ?, ?)",
        [
            (i.due_ms, i.message.asset_id.bytes, i.message.change_id.bytes, i.message.scope.value, i.recorded_ms)
            for i in intents
        ],
    )


def test_intents_of_a_former_process_are_read_in_parts(
    database: Database, intents: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = [_intent(_NOW_MS - n, _NOW_MS - 10_000) for n in range(25)]
    ahead = [_intent(_NOW_MS + 60_000, _NOW_MS - _HOUR_MS) for _ in range(25)]
    _record(intents, past + ahead)
    sizes = []
    read = SqliteIntentLog._read

    def counted(log: SqliteIntentLog, *args: object) -> list[Intent]:
        found = read(log, *args)  # type: ignore[arg-type]
        sizes.append(len(found))
        return found

    monkeypatch.setattr(SqliteIntentLog, "_read", counted)
    log, found = SqliteIntentLog(database), []
    for _ in range(10):
        some = log.due(_NOW_MS, 10)
        assert len(some) <= 10
        found += some
        log.clear([intent for intent in some if intent in past])
        for intent in some:
            if intent not in past:
                log.defer(intent, _NOW_MS + 5_000)
    assert max(sizes) <= 10
    assert set(past + ahead) <= set(found)
    # One that is deferred below those still to be read may come twice.
    assert len(found) <= 25 + 2 * 25


def test_what_is_due_comes_before_what_a_former_process_left(database: Database, intents: sqlite3.Connection) -> None:
    due, ahead = _intent(_NOW_MS, _NOW_MS - 10_000), _intent(_NOW_MS + 60_000, _NOW_MS - 10_000)
    _record(intents, [due, ahead])
    log = SqliteIntentLog(database)
    assert log.due(_NOW_MS, 1) == [due]
    assert log.due(_NOW_MS, 2) == [due, ahead]
    assert log.due(_NOW_MS, 1) == [due]


def test_inherited_intents_stay_due_until_cleared_or_deferred(database: Database, intents: sqlite3.Connection) -> None:
    ahead = [_intent(_NOW_MS + 60_000 + n, _NOW_MS - 10_000) for n in range(25)]
    _record(intents, ahead)
    log = SqliteIntentLog(database)
    assert set(log.due(_NOW_MS, 100)) == set(ahead)  # a check may read them before the relay
    assert set(log.due(_NOW_MS, 100)) == set(ahead)
    assert len(log.due(_NOW_MS, 10)) == 10
    log.clear(ahead[:20])
    log.defer(ahead[20], _NOW_MS + 90_000)
    assert set(log.due(_NOW_MS, 100)) == set(ahead[21:])


def test_what_a_former_process_left_is_found_after_a_failure(
    database: Database, intents: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = _intent(_NOW_MS + 60_000, _NOW_MS - 10_000)
    _record(intents, [ahead])

    def fail() -> Iterator[sqlite3.Connection]:
        raise StoreUnavailable("locked")

    with monkeypatch.context() as patch:
        patch.setattr(database, "reading", fail)
        log = SqliteIntentLog(database)
        with pytest.raises(StoreUnavailable):
            log.due(_NOW_MS, 10)
    assert log.due(_NOW_MS, 10) == [ahead]


_AGES = st.sampled_from([0, MIN_DEFERRAL_MS, MAX_DEFERRAL_MS]) | st.integers(-MAX_DEFERRAL_MS, 2 * MAX_DEFERRAL_MS)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 2), _AGES, st.booleans()), min_size=1, max_size=20))
def test_sql_and_python_agree_on_what_is_due(database: Database, samples: list[tuple[int, int, bool]]) -> None:
    """At the two bounds: now, and as far ahead as a correct clock defers an intent."""
    log = SqliteIntentLog(database)
    there = []
    for step, age, is_far in samples:
        far = min(max(age, MIN_DEFERRAL_MS), MAX_DEFERRAL_MS) + DEFERRAL_SLACK_MS if is_far else 0
        there.append(_intent(_NOW_MS + far + step, _NOW_MS - age))
    connection = database._writer
    connection.execute("BEGIN")
    try:
        _record(connection, there)
        connection.execute("COMMIT")
        assert set(log.due(_NOW_MS, 100)) == {intent for intent in there if intent.is_due(_NOW_MS)}
    finally:
        connection.execute("DELETE FROM intents")
