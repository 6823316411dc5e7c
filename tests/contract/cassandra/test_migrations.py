"""The schema of Cassandra is the sum of its migrations, however they come to be applied."""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.migrations import Migrations, read_migrations
from amp.adapters.cassandra.schema_lock import SchemaLock
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import AmpError, NotMigrated, StoreUnavailable
from amp.resources import resource_folder
from amp.settings import load_settings
from tests.support.asset_samples import at_once

pytestmark = pytest.mark.cluster

MIGRATIONS = resource_folder("migrations") / "cassandra"
#: Every column of every table, and those options no server has defaults of its own for. A new migration changes it.
EXPECTED = Path(__file__).with_name("schema.txt")


@pytest.fixture
def new_session(unmade_cluster_settings: dict[str, str]) -> Iterator[Callable[[], CassandraSession]]:
    """Sessions as several processes have them, on one keyspace that is not there yet."""
    values = {name.removeprefix("AMP_").lower(): value for name, value in unmade_cluster_settings.items()}
    made: list[CassandraSession] = []

    def new() -> CassandraSession:
        made.append(CassandraSession(load_settings(values)))
        return made[-1]

    yield new
    for session in made:
        session.close()


def schema_of(session: CassandraSession) -> str:
    columns = session.run(
        "SELECT table_name, column_name, kind, position, clustering_order, type FROM system_schema.columns "
        "WHERE keyspace_name = ?",
        (session.keyspace,),
    )
    tables = session.run(
        "SELECT table_name, gc_grace_seconds, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?",
        (session.keyspace,),
    )
    lines = [
        f"{table} {column}: {kind} {place} {order} {type_}" for table, column, kind, place, order, type_ in columns
    ]
    lines += [f"{name}: gc_grace {grace} ttl {ttl}" for name, grace, ttl in tables]
    return "\n".join(sorted(lines)) + "\n"


def test_three_processes_that_migrate_at_once_make_the_expected_schema(
    new_session: Callable[[], CassandraSession],
) -> None:
    parts = [CassandraComponent(new_session()) for _ in range(3)]
    done = at_once([part.migrate for part in parts])

    files = sorted(path.name for path in MIGRATIONS.glob("*.cql"))
    applied = sorted(line.rpartition(" ")[2] for lines in done for line in lines)
    assert applied == files
    assert schema_of(new_session()) == EXPECTED.read_text()


def test_a_table_that_is_listed_before_it_can_be_used_is_waited_for(
    new_session: Callable[[], CassandraSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, refused = new_session(), 0
    CassandraComponent(session).migrate()
    run = session.run

    def run_too_early(cql: str, *values: Any) -> list[Any]:
        nonlocal refused
        if "checksum FROM" in cql and not refused:
            refused += 1
            raise NotMigrated("table schema_migrations does not exist")
        return run(cql, *values)

    monkeypatch.setattr(session, "run", run_too_early)
    assert Migrations(session).apply() == []
    assert refused == 1


def test_migrating_release_by_release_makes_the_same_schema(
    new_session: Callable[[], CassandraSession], tmp_path: Path
) -> None:
    for path in sorted(MIGRATIONS.glob("*.cql")):
        shutil.copy(path, tmp_path)
        assert [m.file for m in Migrations(new_session(), tmp_path).apply()] == [path.name]
    assert schema_of(new_session()) == EXPECTED.read_text()


def test_a_migration_that_broke_off_is_finished_the_next_time(new_session: Callable[[], CassandraSession]) -> None:
    session = new_session()
    for migration in read_migrations(MIGRATIONS, session.settings)[:2]:
        for statement in migration.statements[:-1]:
            session.connected().execute(statement, timeout=60)
    CassandraComponent(new_session()).migrate()
    assert schema_of(session) == EXPECTED.read_text()


def test_a_file_changed_after_it_was_applied_is_an_error(
    new_session: Callable[[], CassandraSession], tmp_path: Path
) -> None:
    for path in MIGRATIONS.glob("*.cql"):
        shutil.copy(path, tmp_path)
    migrations = Migrations(new_session(), tmp_path)
    migrations.apply()
    with (tmp_path / "0003_intents.cql").open("a") as file:
        file.write("-- one more word\n")
    for use in (migrations.pending, migrations.apply):
        with pytest.raises(AmpError, match=re.escape("0003_intents.cql")):
            use()


def test_who_comes_second_waits_for_the_lock(new_session: Callable[[], CassandraSession]) -> None:
    session = new_session()
    CassandraComponent(session).migrate()
    entered = Event()

    def enter() -> None:
        with SchemaLock(new_session()):
            entered.set()

    with SchemaLock(session) as lock:
        waiting = Thread(target=enter)
        waiting.start()
        assert not entered.wait(timeout=1.0)
        lock.renew()
    assert entered.wait(timeout=20)
    waiting.join(timeout=20)


def test_a_lock_that_was_lost_is_not_renewed(new_session: Callable[[], CassandraSession]) -> None:
    session = new_session()
    CassandraComponent(session).migrate()
    with SchemaLock(session) as lost:
        # As if it had run out.
        session.run("DELETE FROM {ks}.schema_locks WHERE name = 'schema' IF EXISTS")
        with SchemaLock(new_session()) as held:
            with pytest.raises(StoreUnavailable, match="lost"):
                lost.renew()
            held.renew()


def test_of_many_that_take_the_lock_one_at_a_time_holds_it(new_session: Callable[[], CassandraSession]) -> None:
    session = new_session()
    CassandraComponent(session).migrate()
    inside: list[int] = []

    def hold(number: int) -> None:
        with SchemaLock(session) as lock:
            inside.append(number)
            lock.renew()
            assert inside[-1] == number
            inside.append(number)

    at_once([partial(hold, number) for number in range(4)])
    assert inside[0::2] == inside[1::2]
    assert sorted(inside[0::2]) == [0, 1, 2, 3]
