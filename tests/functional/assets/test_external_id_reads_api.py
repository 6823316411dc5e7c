"""An asset is read by its external id, and what GET gave can be posted and patched as far as it makes sense."""

import pytest

from tests.support.service.rest import Rest, assert_problem, unique


def test_an_asset_is_read_by_its_external_id(rest: Rest) -> None:
    kind, team = rest.new_type(), unique("my/team")
    made = rest.new_asset(kind, external_id="a/b c", project=team)
    path = f"/v1/assets/by-external-id/{team.replace('/', '%2F')}/a/b%20c"
    answer = rest.get(path)
    assert answer.get_json() == made
    assert answer.headers["ETag"] == f'"{made["revision"]}"'
    assert rest.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert_problem(rest.get(f"{path}x"), 404, "asset-not-found")
    assert_problem(rest.get(f"/v1/assets/by-external-id/{unique('other')}/a/b%20c"), 404, "asset-not-found")


def test_a_deleted_asset_is_read_by_its_external_id_if_asked_for(rest: Rest) -> None:
    kind, team = rest.new_type(), unique("team")
    made = rest.new_asset(kind, external_id="x", project=team)
    rest.delete(f"/v1/assets/{made['id']}")
    path = f"/v1/assets/by-external-id/{team}/x"
    assert_problem(rest.get(path), 410, "asset-deleted")
    assert rest.get(f"{path}?deleted=true").get_json()["state"] == "deleted"


def test_what_get_gave_can_be_posted(rest: Rest) -> None:
    kind = rest.new_type({"size": {"type": "long"}})
    made = rest.new_asset(kind, external_id=unique("x"), name="a", metadata={"size": 1}, labels=["l"])
    again = rest.post("/v1/assets", json=made)
    problem = assert_problem(again, 409, "already-exists")
    assert (problem["id"], problem["state"]) == (made["id"], "active")
    copy = {name: value for name, value in made.items() if name not in ("id", "external_id", "created_at")}
    answer = rest.post("/v1/assets", json=copy | {"version": 7, "revision": 9, "state": "deleted"})
    assert answer.status_code == 201, answer.text
    created = answer.get_json()
    assert (created["version"], created["revision"], created["state"]) == (1, 1, "active")
    assert (created["name"], created["metadata"], created["labels"]) == ("a", {"size": 1}, ["l"])


def test_the_key_of_a_request_does_not_depend_on_what_is_ignored(rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    first = rest.post("/v1/assets", json={"type": kind}, headers={"Idempotency-Key": key})
    again = rest.post("/v1/assets", json={"type": kind, "version": 5}, headers={"Idempotency-Key": key})
    assert (first.status_code, again.get_json()["id"]) == (201, first.get_json()["id"])


@pytest.mark.parametrize("patch", [{"state": "deleted"}, {"version": 99}, {"updated_by": "me"}, {"revision": None}])
def test_a_patch_of_what_the_server_sets_is_refused(rest: Rest, patch: dict[str, object]) -> None:
    made = rest.new_asset(rest.new_type())
    [name] = patch
    problem = assert_problem(rest.patch(f"/v1/assets/{made['id']}", json=patch), 422, "unprocessable")
    assert problem["errors"][0]["pointer"] == f"/{name}"
    answer = rest.patch(f"/v1/assets/{made['id']}", json={name: made[name], "name": "b"})
    assert (answer.status_code, answer.get_json()["name"]) == (200, "b")
