"""What a part that is down does to callers (the table in the operating guide), and that it loses nothing."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from tests.chaos.servers.environment import World
from tests.support.fault_campaign import OUTAGE_S, tell
from tests.support.service.api_client import TYPE, Caller
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
def test_reads_and_writes_go_on_without(world: World, outage: Outage) -> None:
    server = world.stack.servers[outage.server]
    known = found_asset(world)
    with world.load(str(outage), clients=3, writes_per_s=15) as load:
        load.run_for(1)
        (server.kill if outage.how == "kill" else server.pause)()
        ends = time.monotonic() + OUTAGE_S
        slowest_s = 0.0
        while time.monotonic() < ends:
            slowest_s = max(slowest_s, assert_reads_and_writes(world, known["id"]))
            if outage.search:
                assert world.caller.revisions_found([known["id"]]) == {known["id"]: 1}
            else:
                assert_unavailable(search(world.caller))
            assert world.degraded() == [outage.part]
            load.run_for(_LOOK_EVERY_S)
        if not outage.search:
            late = world.caller.sure("POST", "/v1/assets?wait_for=searchable&timeout=500ms", json={"type": TYPE})
            assert (late.status_code, late.headers["AMP-Searchable"]) == (201, "pending")
        if outage.part == "queue":
            # Events that wait in the API die with it.
            world.service.api.kill()
        if outage.part == "search":
            # Events that it took and could not index must come again.
            world.service.index.kill()
        world.heal()
        load.run_for(1)
    tell(f"{outage}: {OUTAGE_S:g} s, slowest read or write {slowest_s:.2f} s")
    world.assert_nothing_lost(str(outage))


#: As they are named while they do not run.
_WORKERS = {"index worker", "relay", "bucket worker"}


def test_without_the_store_searches_go_on_and_nothing_is_half_written(world: World) -> None:
    known = found_asset(world)
    warm_up(world)
    tries = [(uuid.uuid4().hex, {"type": TYPE, "name": f"try {n}", "metadata": {"number": n}}) for n in range(5)]
    with world.load("cassandra", clients=3, writes_per_s=15) as load:
        load.run_for(1)
        world.stack.cassandra.kill()
        ends = time.monotonic() + OUTAGE_S
        while time.monotonic() < ends:
            assert_unavailable(world.caller.send("GET", f"/v1/assets/{known['id']}"))
            for key, body in tries:
                assert_unavailable(create(world.caller, key, body))
            assert_unavailable(world.caller.send("DELETE", f"/v1/assets/{known['id']}"))
            assert world.caller.revisions_found([known["id"]]) == {known["id"]: 1}
            problem = assert_unavailable(world.caller.send("GET", "/readyz")).json()
            assert [part["name"] for part in problem["parts"] if not part["healthy"]] == ["store"]
            load.run_for(_LOOK_EVERY_S)
        world.heal()
        made = [create(world.caller, key, body) for key, body in tries]
        load.run_for(1)
    assert [(answer.status_code, answer.json()["revision"]) for answer in made] == [(201, 1)] * len(tries)
    world.assert_nothing_lost("cassandra-kill")


def test_without_workers_searches_are_older_and_catch_up(world: World) -> None:
    known = found_asset(world)
    with world.load("workers", clients=3, writes_per_s=15) as load:
        for worker in world.service.workers:
            worker.kill()
        load.run_for(1)
        created = world.caller.create("while nobody indexes")
        changed = world.caller.sure("PUT", f"/v1/assets/{known['id']}", json={"name": "changed"}).json()
        began = time.monotonic()
        while time.monotonic() < began + OUTAGE_S:
            assert_reads_and_writes(world, known["id"])
            assert world.caller.revisions_found([known["id"], created["id"]]) == {known["id"]: 1}
            assert set(world.degraded()) <= _WORKERS
            load.run_for(_LOOK_EVERY_S)
        if OUTAGE_S >= 30:
            # Workers that were killed count as running for 15 s.
            assert set(world.degraded()) == _WORKERS
        world.service.start()
        wanted = {known["id"]: changed["revision"], created["id"]: 1}
        wait_until(lambda: world.caller.revisions_found(list(wanted)) == wanted, 60, "searches to catch up")
        wait_until(lambda: world.degraded() == [], 30, "the workers to be known to run")
    world.assert_nothing_lost("workers")


def found_asset(world: World) -> dict[str, str]:
    """A new asset that searches find, at revision 1."""
    return world.caller.create("known", wait="?wait_for=searchable&timeout=60s")


def assert_reads_and_writes(world: World, asset_id: str) -> float:
    """How long the slower of a read and a write took, in seconds."""

    def timed(call: Callable[[], object]) -> float:
        began = time.monotonic()
        call()
        took_s = time.monotonic() - began
        assert took_s < _FINE_S
        return took_s

    return max(
        timed(lambda: world.caller.sure("GET", f"/v1/assets/{asset_id}")),
        timed(lambda: world.caller.create("meanwhile", number=1)),
    )


def assert_unavailable(answer: httpx.Response | None) -> httpx.Response:
    assert answer is not None
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def search(caller: Caller) -> httpx.Response | None:
    found: httpx.Response | None = caller.send("POST", "/v1/search", json={"size": 1})
    return found


def create(caller: Caller, key: str, body: dict[str, object]) -> httpx.Response:
    answer: httpx.Response | None = caller.send("POST", "/v1/assets", json=body, headers={"Idempotency-Key": key})
    assert answer is not None
    return answer


def warm_up(world: World) -> None:
    """Every process of the API has searched before."""
    for _ in range(40):
        with Caller(world.service.url) as caller:
            caller.sure("POST", "/v1/search", json={"size": 1})
