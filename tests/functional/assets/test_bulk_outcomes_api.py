"""Bulk creation over REST while the store fails: each item is reported as far as its outcome is known."""

from typing import Any

import pytest

from amp.bootstrap import Amp
from amp.domain.assets import Change
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitResult
from tests.support.service.rest import Rest, assert_problem, unique


def test_a_bulk_whose_store_fails_halfway_reports_each_item(service: Amp, rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    items = [{"type": kind, "name": str(i)} for i in range(1200)]
    headers = {"Idempotency-Key": key}
    store, calls = service.adapters.store, []
    real = store.apply

    def fail_in_second(changes: Any) -> Any:
        if changes[0].after.type == kind:
            calls.append(len(changes))
            if len(calls) == 2:
                raise StoreUnavailable("the store went away")
        return real(changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "apply", fail_in_second)
        answer = rest.post("/v1/assets/bulk", json=items, headers=headers)
    assert answer.status_code == 200
    assert int(answer.headers["Retry-After"]) >= 1
    first = answer.get_json()["items"]
    assert [item["status"] for item in first] == [201] * 500 + [503] * 700
    assert {item["problem"]["type"] for item in first[500:]} == {"urn:amp:problem:store-unavailable"}
    assert calls == [500, 500], "what comes after is not tried"
    second = rest.post("/v1/assets/bulk", json=items, headers=headers).get_json()["items"]
    assert [item["id"] for item in second[:500]] == [item["id"] for item in first[:500]]
    assert {item["status"] for item in second} == {201}
    assert len(_listed(rest, kind)) == 1200


def test_items_of_unknown_outcome_differ_from_those_not_written(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    items = [{"type": kind, "name": str(i)} for i in range(3)]
    real = service.adapters.store.apply

    def lose_one(changes: list[Change]) -> list[CommitResult]:
        return [_unknown(outcome) if i == 1 else outcome for i, outcome in enumerate(real(changes))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.adapters.store, "apply", lose_one)
        answer = rest.post("/v1/assets/bulk", json=items)
    made = answer.get_json()["items"]
    assert [item["status"] for item in made] == [201, 503, 201]
    assert made[1]["problem"]["type"] == "urn:amp:problem:outcome-unknown"
    repeated = rest.post("/v1/assets/bulk", json=[items[1] | {"id": made[1]["problem"]["id"]}]).get_json()["items"]
    assert repeated[0]["status"] == 409, "it had been written"
    assert len(_listed(rest, kind)) == 3


def test_a_bulk_of_which_nothing_is_settled_is_refused_as_a_whole(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.adapters.store, "prepare", _unavailable)
        answer = rest.post("/v1/assets/bulk", json=[{"type": kind}] * 3)
    assert_problem(answer, 503, "store-unavailable")
    assert "Retry-After" in answer.headers


def _unavailable(*_: object) -> None:
    raise StoreUnavailable("the store went away")


def _unknown(outcome: CommitResult) -> CommitResult:
    return CommitResult(type(outcome.status).UNKNOWN)


def _listed(rest: Rest, kind: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = rest.get(f"/v1/assets?type={kind}&limit=200{cursor}").get_json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
