"""Two data centres, a server each: conditions are decided once, or AMP refuses to work."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitStatus
from amp.settings import load_settings
from tests.support.asset_samples import at_once, creation, head, intent_for, step, write
from tests.support.stack import Stack
from tests.support.stack.cassandra import CassandraProcess
from tests.support.stack.state import State
from tests.support.stack.waiting import wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        os.environ.get("AMP_TEST_DATACENTERS") != "1",
        reason="two more Cassandras take a minute and a half: make test-datacenters",
    ),
]

#: `RackInferringSnitch` names data centres after the second number of an address.
EAST, WEST = "0", "1"
SNITCH = {"endpoint_snitch": "RackInferringSnitch", "commitlog_sync": "batch", "commitlog_sync_period": "0ms"}
ROUNDS = 20


class WesternServer(CassandraProcess):
    @property
    def host(self) -> str:
        return "127.1.0.1"


@pytest.fixture(scope="module")
def servers(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of one in the east and one in the west."""
    if not isinstance(stack.cassandra, CassandraProcess):
        pytest.skip("needs Cassandra as processes of its own")
    with Stack(tmp_path_factory.mktemp("east"), only=("cassandra",), settings={"cassandra": SNITCH}) as own:
        assert isinstance(own.cassandra, CassandraProcess)
        seed = {
            "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
            "parameters": [{"seeds": f"{own.cassandra.host}:{own.cassandra.ports['storage']}"}],
        }
        folder = tmp_path_factory.mktemp("west")
        joins = {"seed_provider": [seed], "listen_address": "127.1.0.1", "rpc_address": "127.1.0.1"}
        west = WesternServer(folder, State(folder), SNITCH | joins | {"auto_bootstrap": False})
        try:
            west.start()
            west.wait_ready()
            for address in (own.cassandra.address, west.address):
                wait_until(partial(_knows_both, address), 60, f"{address} to know both data centres")
            yield own.cassandra.address, west.address
        finally:
            west.wipe()


def _knows_both(address: str) -> bool:
    """Return whether the server has heard of the other one. Until then it refuses keyspaces with replicas there."""
    host, port = address.rsplit(":", 1)
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([host]))
    with Cluster([host], port=int(port), execution_profiles={EXEC_PROFILE_DEFAULT: profile}) as cluster:
        rows = cluster.connect().execute("SELECT data_center FROM system.peers")
        return {row.data_center for row in rows} | {host.split(".")[1]} == {EAST, WEST}


def settings_for(servers: tuple[str, str], local: str, **values: Any) -> dict[str, Any]:
    base = {
        "cassandra_hosts": ",".join(servers),
        "cassandra_keyspace": "both",
        "cassandra_replication": f"{EAST}:1,{WEST}:1",
        "cassandra_datacenter": local,
    }
    return base | values


def opened(servers: tuple[str, str], local: str, **values: Any) -> CassandraComponent:
    return CassandraComponent(CassandraSession(load_settings(settings_for(servers, local, **values))))


def test_writers_in_two_data_centres_never_both_win_with_serial(servers: tuple[str, str]) -> None:
    together = {"cassandra_serial_consistency": "SERIAL", "cassandra_consistency": "QUORUM"}
    parts = [opened(servers, local, **together) for local in (EAST, WEST)]
    parts[0].migrate()
    assert both_won(parts) == 0
    for part in parts:
        part.close()


def test_local_serial_in_each_would_let_both_win_and_is_refused(
    servers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The settings look harmless; the keyspace is not.
    for local in (EAST, WEST):
        part = opened(servers, local, cassandra_replication="")
        with pytest.raises(StoreUnavailable, match="AMP_CASSANDRA_WRITING_DATACENTER"):
            part.ping()
        part.close()
    with monkeypatch.context() as patch:
        patch.setattr("amp.adapters.cassandra.session.refuse_split_conditions", lambda *_: None)
        parts = [opened(servers, local, cassandra_replication="") for local in (EAST, WEST)]
        assert both_won(parts) > 0
        for part in parts:
            part.close()


def test_with_a_writing_data_centre_all_processes_write_there(servers: tuple[str, str]) -> None:
    parts = [opened(tuple(hosts), EAST, cassandra_writing_datacenter=EAST) for hosts in (servers, servers[::-1])]  # type: ignore[arg-type]
    assert both_won(parts) == 0
    for part in parts:
        part.close()


def both_won(parts: list[CassandraComponent]) -> int:
    """In how many of some races for one revision two writers got the answer that they won."""
    stores = [CassandraAssetStore(part.session) for part in parts]
    twice = 0
    for _ in range(ROUNDS):
        (first,) = write(stores[0], creation(project=uuid4().hex))
        # Replicas of the other data centre are written to, but not waited for.
        wait_until(lambda: head(stores[1], first.id) == first, 10, "the other data centre to have it")  # noqa: B023
        changes = [step(first, name=name) for name in ("east", "west")]
        for store, change in zip(stores, changes, strict=True):
            store.prepare([(change, intent_for(change))])
        calls = [lambda s=store, c=change: s.apply([c])[0] for store, change in zip(stores, changes, strict=True)]
        outcomes = at_once(calls)
        twice += [outcome.status for outcome in outcomes] == [CommitStatus.APPLIED] * 2
    return twice
