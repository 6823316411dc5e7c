"""Many clients at once, over HTTP and several processes of the API."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests.chaos.servers.environment import Environment
from tests.support.service.api_client import TYPE, ApiClient

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

_CLIENTS = 32
_CHANGES_EACH = 2
_PAIRS = 20

T = TypeVar("T")


def at_once(count: int, url: str, call: Callable[[ApiClient, int], T]) -> list[T]:
    """What `count` callers, each with a connection of its own, get when they start together."""
    start = threading.Barrier(count)

    def wait_and_call(client: int) -> T:
        with ApiClient(url) as api_client:
            api_client.sure("GET", "/healthz")
            start.wait(60)
            return call(api_client, client)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_call, range(count)))


def test_32_clients_with_if_match_lose_no_update_and_leave_no_gap(environment: Environment) -> None:
    asset_id = environment.api_client.create("contested")["id"]
    path = f"/v1/assets/{asset_id}"

    def insist(api_client: ApiClient, client: int) -> list[tuple[int, int, str]]:
        """Until it got its changes through: the (revision, version, name) of each."""
        done: list[tuple[int, int, str]] = []
        while len(done) < _CHANGES_EACH:
            etag = api_client.sure("GET", path).headers["ETag"]
            name = f"client {client}, change {len(done)}"
            answer = api_client.send("PUT", path, json={"name": name}, headers={"If-Match": etag})
            assert answer is not None
            assert answer.status_code in (200, 412), answer.text
            if answer.status_code == 200:
                body = answer.json()
                assert answer.headers["ETag"] == f'"{body["revision"]}"'
                done.append((body["revision"], body["version"], body["name"]))
        return done

    made = sorted(change for changes in at_once(_CLIENTS, environment.service.url, insist) for change in changes)
    last = 1 + _CLIENTS * _CHANGES_EACH
    assert [revision for revision, _, _ in made] == list(range(2, last + 1)), "each success is a revision of its own"
    versions = environment.api_client.sure("GET", f"{path}/versions?limit=200").json()["items"]
    kept = [(version["revision"], version["version"], version["name"]) for version in reversed(versions)]
    assert kept == [(1, 1, "contested"), *made]


def test_two_creates_with_one_idempotency_key_make_one_asset(environment: Environment) -> None:
    project = f"p-{uuid.uuid4().hex}"
    ids = set()
    for pair in range(_PAIRS):
        key = uuid.uuid4().hex
        body = {"type": TYPE, "project": project, "name": f"pair {pair}", "metadata": {"number": pair}}

        def create(
            api_client: ApiClient, _: int, key: str = key, body: dict[str, object] = body
        ) -> tuple[int, str, str]:
            answer = api_client.send("POST", "/v1/assets", json=body, headers={"Idempotency-Key": key})
            assert answer is not None
            return answer.status_code, answer.headers.get("ETag", ""), answer.text

        first, second = at_once(2, environment.service.url, create)
        assert first == second
        assert first[:2] == (201, '"1"')
        ids.add(
            environment.api_client.send("POST", "/v1/assets", json=body, headers={"Idempotency-Key": key}).json()["id"]
        )
    listed = environment.api_client.sure("GET", f"/v1/assets?project={project}&limit=200").json()["items"]
    assert {asset["id"] for asset in listed} == ids
    assert len(listed) == len(ids) == _PAIRS
