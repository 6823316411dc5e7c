"""A precondition that is sent is honoured or refused, on every write."""

import pytest

from tests.support.service.rest import Rest, assert_problem, unique


@pytest.fixture(scope="module")
def kind(rest: Rest) -> str:
    return rest.new_type()


def test_a_put_if_there_is_none_creates_once_and_never_replaces(rest: Rest, kind: str) -> None:
    path, only_new = f"/v1/assets/by-external-id/default/{unique('clip')}", {"If-None-Match": "*"}
    first = rest.put(path, json={"type": kind, "name": "first"}, headers=only_new)
    assert first.status_code == 201, first.text
    assert_problem(rest.put(path, json={"name": "second"}, headers=only_new), 412, "revision-mismatch")
    assert rest.get(f"/v1/assets/{first.get_json()['id']}").get_json()["name"] == "first"


def test_a_put_if_there_is_one_replaces_and_never_creates(rest: Rest, kind: str) -> None:
    path, only_there = f"/v1/assets/by-external-id/default/{unique('clip')}", {"If-Match": "*"}
    assert_problem(rest.put(path, json={"type": kind}, headers=only_there), 412, "revision-mismatch")
    assert rest.put(path, json={"type": kind}).status_code == 201
    assert rest.put(path, json={"name": "second"}, headers=only_there).status_code == 200


@pytest.mark.parametrize("tags", ["*", '"1"', 'W/"1"', '"7", "1"'])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "restore"])
def test_changes_unless_it_is_so_are_refused_when_it_is_so(rest: Rest, kind: str, method: str, tags: str) -> None:
    path = f"/v1/assets/{rest.new_asset(kind, name='first')['id']}"
    headers = {"If-None-Match": tags}
    if method == "restore":
        answer = rest.post(f"{path}/restore", headers=headers)
    elif method == "DELETE":
        answer = rest.delete(path, headers=headers)
    else:
        answer = rest.call(method, path, json={"name": "second"}, headers=headers)
    assert_problem(answer, 412, "revision-mismatch")
    assert rest.get(path).get_json()["revision"] == 1


def test_changes_unless_it_is_so_are_made_when_it_is_not_so(rest: Rest, kind: str) -> None:
    path = f"/v1/assets/{rest.new_asset(kind)['id']}"
    assert rest.patch(path, json={"name": "new"}, headers={"If-None-Match": '"2", W/"3"'}).status_code == 200
    assert rest.patch(path, json={"name": "newer"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    "header", ["If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since", "If-Range"]
)
def test_preconditions_that_mean_nothing_to_a_write_are_refused(rest: Rest, kind: str, header: str) -> None:
    value = {header: "*" if "Match" in header else "Thu, 26 Nov 2026 12:00:00 GMT"}
    name = unique("made")
    writes = [
        rest.post("/v1/assets", json={"type": kind, "external_id": name}, headers=value),
        rest.post("/v1/assets/bulk", json=[{"type": kind, "external_id": name}], headers=value),
        rest.post("/v1/types", json={"name": name}, headers=value),
        rest.put(f"/v1/types/{kind}", json={"description": name}, headers=value),
        rest.post("/v1/admin/buckets/roll", headers=value),
        rest.post("/v1/admin/jobs", json={"kind": "reindex", "selector": {"all": True}}, headers=value),
        rest.post("/v1/admin/dead-letters/discard", json={"all": True}, headers=value),
    ]
    if "Match" not in header:
        writes.append(rest.delete(f"/v1/assets/{rest.new_asset(kind)['id']}", headers=value))
    for answer in writes:
        assert_problem(answer, 400, "bad-request")
    assert rest.get(f"/v1/assets?external_id={name}").get_json()["items"] == []
    assert rest.get(f"/v1/types/{name}").status_code == 404
