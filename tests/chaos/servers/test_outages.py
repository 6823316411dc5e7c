"""What a part that is down does to callers (the table in the operating guide), and that it loses nothing."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from tests.chaos.servers.environment import Environment
from tests.support.fault_campaign import OUTAGE_S, tell
from tests.support.service.api_client import TYPE, ApiClient
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

#: What works all the same may be a little slower, not slow.
_FINE_S = 5.0
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Outage:
    server: str
    part: str  #: as /readyz names it
    how: str  #: "kill": connections are refused; "pause": they hang
    search: bool  #: goes on answering

    def __str__(self) -> str:
        return f"{self.server}-{self.how}"


_OUTAGES = [
    Outage("kafka", "queue", "kill", search=True),
    Outage("elasticsearch", "search", "kill", search=False),
    Outage("redis", "cache", "pause", search=True),
]
_MORE_OUTAGES = [
    Outage("kafka", "queue", "pause", search=True),
    Outage("elasticsearch", "search", "pause", search=False),
    Outage("redis", "cache", "kill", search=True),
]
_FULL_CAMPAIGN = OUTAGE_S >= 60


@pytest.mark.parametrize("outage", _OUTAGES + (_MORE_OUTAGES if _FULL_CAMPAIGN else []), ids=str)
def test_reads_and_writes_go_on_without(environment: Environment, outage: Outage) -> None:
    server = environment.stack.servers[outage.server]
    known = found_asset(environment)
    with environment.load(str(outage), clients=3, writes_per_s=15) as load:
        load.run_for(1)
        (server.kill if outage.how == "kill" else server.pause)()
        ends = time.monotonic() + OUTAGE_S
        slowest_s = 0.0
        while time.monotonic() < ends:
            slowest_s = max(slowest_s, assert_reads_and_writes(environment, known["id"]))
            if outage.search:
                assert environment.api_client.revisions_found([known["id"]]) == {known["id"]: 1}
            else:
                assert_unavailable(search(environment.api_client))
            assert environment.degraded() == [outage.part]
            load.run_for(_LOOK_EVERY_S)
        if not outage.search:
            late = environment.api_client.sure(
                "POST", "/v1/assets?wait_for=searchable&timeout=500ms", json={"type": TYPE}
            )
            assert (late.status_code, late.headers["AMP-Searchable"]) == (201, "pending")
        if outage.part == "queue":
            # Events that wait in the API die with it.
            environment.service.api.kill()
        if outage.part == "search":
            # Events that it took and could not index must come again.
            environment.service.index.kill()
        environment.heal()
        load.run_for(1)
    tell(f"{outage}: {OUTAGE_S:g} s, slowest read or write {slowest_s:.2f} s")
    environment.assert_nothing_lost(str(outage))


#: As they are named while they do not run.
_WORKERS = {"index worker", "relay", "bucket worker"}


def test_without_the_store_searches_go_on_and_nothing_is_half_written(environment: Environment) -> None:
    known = found_asset(environment)
    warm_up(environment)
    tries = [(uuid.uuid4().hex, {"type": TYPE, "name": f"try {n}", "metadata": {"number": n}}) for n in range(5)]
    with environment.load("cassandra", clients=3, writes_per_s=15) as load:
        load.run_for(1)
        environment.stack.cassandra.kill()
        ends = time.monotonic() + OUTAGE_S
        while time.monotonic() < ends:
            assert_unavailable(environment.api_client.send("GET", f"/v1/assets/{known['id']}"))
            for key, body in tries:
                assert_unavailable(create(environment.api_client, key, body))
            assert_unavailable(environment.api_client.send("DELETE", f"/v1/assets/{known['id']}"))
            assert environment.api_client.revisions_found([known["id"]]) == {known["id"]: 1}
            problem = assert_unavailable(environment.api_client.send("GET", "/readyz")).json()
            assert [part["name"] for part in problem["parts"] if not part["healthy"]] == ["store"]
            load.run_for(_LOOK_EVERY_S)
        environment.heal()
        made = [create(environment.api_client, key, body) for key, body in tries]
        load.run_for(1)
    assert [(answer.status_code, answer.json()["revision"]) for answer in made] == [(201, 1)] * len(tries)
    environment.assert_nothing_lost("cassandra-kill")


def test_without_workers_searches_are_older_and_catch_up(environment: Environment) -> None:
    known = found_asset(environment)
    with environment.load("workers", clients=3, writes_per_s=15) as load:
        for worker in environment.service.workers:
            worker.kill()
        load.run_for(1)
        created = environment.api_client.create("while nobody indexes")
        changed = environment.api_client.sure("PUT", f"/v1/assets/{known['id']}", json={"name": "changed"}).json()
        began = time.monotonic()
        while time.monotonic() < began + OUTAGE_S:
            assert_reads_and_writes(environment, known["id"])
            assert environment.api_client.revisions_found([known["id"], created["id"]]) == {known["id"]: 1}
            assert set(environment.degraded()) <= _WORKERS
            load.run_for(_LOOK_EVERY_S)
        if OUTAGE_S >= 30:
            # Workers that were killed count as running for 15 s.
            assert set(environment.degraded()) == _WORKERS
        environment.service.start()
        wanted = {known["id"]: changed["revision"], created["id"]: 1}
        wait_until(lambda: environment.api_client.revisions_found(list(wanted)) == wanted, 60, "searches to catch up")
        wait_until(lambda: environment.degraded() == [], 30, "the workers to be known to run")
    environment.assert_nothing_lost("workers")


def found_asset(environment: Environment) -> dict[str, str]:
    """A new asset that searches find, at revision 1."""
    return environment.api_client.create("known", wait="?wait_for=searchable&timeout=60s")


def assert_reads_and_writes(environment: Environment, asset_id: str) -> float:
    """How long the slower of a read and a write took, in seconds."""

    def timed(call: Callable[[], object]) -> float:
        began = time.monotonic()
        call()
        took_s = time.monotonic() - began
        assert took_s < _FINE_S
        return took_s

    return max(
        timed(lambda: environment.api_client.sure("GET", f"/v1/assets/{asset_id}")),
        timed(lambda: environment.api_client.create("meanwhile", number=1)),
    )


def assert_unavailable(answer: httpx.Response | None) -> httpx.Response:
    assert answer is not None
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def search(api_client: ApiClient) -> httpx.Response | None:
    found: httpx.Response | None = api_client.send("POST", "/v1/search", json={"size": 1})
    return found


def create(api_client: ApiClient, key: str, body: dict[str, object]) -> httpx.Response:
    answer: httpx.Response | None = api_client.send("POST", "/v1/assets", json=body, headers={"Idempotency-Key": key})
    assert answer is not None
    return answer


def warm_up(environment: Environment) -> None:
    """Every process of the API has searched before."""
    for _ in range(40):
        with ApiClient(environment.service.url) as api_client:
            api_client.sure("POST", "/v1/search", json={"size": 1})
