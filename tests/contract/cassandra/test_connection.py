"""The connection to Cassandra: lazy, shared, quick to say that there is none, fit for forked processes."""

import os
import time
from collections.abc import Iterator
from functools import partial

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import NotMigrated, StoreUnavailable
from amp.settings import Settings, load_settings
from tests.support.asset_samples import at_once, creation, head, intent_for, write

pytestmark = pytest.mark.cluster

#: Nothing listens there, nor answers for it.
REFUSING, SILENT = "127.0.0.1:1", "192.0.2.1:9042"


@pytest.fixture(scope="module")
def settings(cluster_settings: dict[str, str]) -> Settings:
    return load_settings({name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()})


@pytest.fixture
def session(settings: Settings) -> Iterator[CassandraSession]:
    session = CassandraSession(settings)
    CassandraComponent(session).migrate()
    yield session
    session.close()


def test_building_the_adapters_connects_to_nothing() -> None:
    session = CassandraSession(load_settings({"cassandra_hosts": REFUSING}))
    CassandraAssetStore(session)
    CassandraComponent(session).close()


@pytest.mark.parametrize("address", [REFUSING, SILENT])
def test_a_server_that_is_not_there_is_noticed_in_time(address: str) -> None:
    part = CassandraComponent(CassandraSession(load_settings({"cassandra_hosts": address, "cassandra_timeout_s": 3})))
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        part.ping()
    assert time.monotonic() - started < 2.5
    part.close()


def test_after_a_failed_connect_many_callers_are_refused_at_once() -> None:
    session = CassandraSession(load_settings({"cassandra_hosts": REFUSING}))
    store = CassandraAssetStore(session)
    change = creation()
    started = time.monotonic()
    for _ in range(200):
        with pytest.raises(StoreUnavailable):
            store.apply([change])
        with pytest.raises(StoreUnavailable):
            store.prepare([(change, intent_for(change))])
    assert time.monotonic() - started < 2
    session.close()


def test_threads_that_come_first_together_share_one_connection(settings: Settings) -> None:
    session = CassandraSession(settings)
    assert len({id(found) for found in at_once([session.connected] * 16)}) == 1
    session.close()


def test_a_closed_session_says_so(settings: Settings) -> None:
    session = CassandraSession(settings)
    session.connected()
    session.close()
    session.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        session.connected()


def test_a_session_built_before_a_fork_works_in_the_children(settings: Settings, session: CassandraSession) -> None:
    (asset,) = write(CassandraAssetStore(session), creation())
    inherited = CassandraSession(settings)
    children = []
    for _ in range(2):
        if (pid := os.fork()) == 0:
            # A child leaves by _exit alone: what the parent's tests have open is not its to close.
            code = 1
            try:
                code = 0 if head(CassandraAssetStore(inherited), asset.id) == asset else 2
                inherited.close()
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0]
    assert head(CassandraAssetStore(inherited), asset.id) == asset
    inherited.close()


def test_a_keyspace_that_is_not_there_is_named(settings: Settings) -> None:
    session = CassandraSession(settings.model_copy(update={"cassandra_keyspace": "never_made"}))
    with pytest.raises(NotMigrated, match="never_made"):
        CassandraAssetStore(session).heads([creation().after.id])
    session.close()


def test_a_table_dropped_while_in_use_is_not_migrated(unmade_cluster_settings: dict[str, str]) -> None:
    values = {name.removeprefix("AMP_").lower(): value for name, value in unmade_cluster_settings.items()}
    session = CassandraSession(load_settings(values))
    CassandraComponent(session).migrate()
    store = CassandraAssetStore(session)
    write(store, creation())
    session.connected().execute(f"DROP TABLE {session.keyspace}.assets", timeout=60)
    for use in (partial(store.heads, [creation().after.id]), partial(store.apply, [creation()])):
        with pytest.raises(NotMigrated):
            use()
    session.close()
