"""Many clients at once over REST: optimistic locking, idempotency keys, external ids."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from werkzeug.test import TestResponse

from tests.support.service.rest import Rest, assert_problem, unique


def at_once(count: int, call: Callable[[int], TestResponse]) -> list[TestResponse]:
    """The answers of `count` calls that start together, in order."""
    start = threading.Barrier(count)

    def wait_and_call(i: int) -> TestResponse:
        start.wait(30)
        return call(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_call, range(count)))


def test_of_32_clients_with_one_revision_one_wins(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type())
    path = f"/v1/assets/{asset['id']}"
    answers = at_once(32, lambda i: rest.put(path, json={"name": f"client {i}"}, headers={"If-Match": '"1"'}))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 31
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert rest.get(path).get_json() == winner.get_json()


def test_32_clients_with_if_match_make_distinct_revisions_without_gaps(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type())
    path = f"/v1/assets/{asset['id']}"

    def insist(i: int) -> TestResponse:
        while True:
            etag = rest.get(path).headers["ETag"]
            answer = rest.put(path, json={"name": f"client {i}"}, headers={"If-Match": etag})
            if answer.status_code != 412:
                return answer

    answers = at_once(32, insist)
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.get_json()["revision"] for answer in answers) == list(range(2, 34))
    assert sorted(answer.get_json()["version"] for answer in answers) == list(range(2, 34))
    versions = rest.get(f"{path}/versions?limit=200").get_json()["items"]
    assert [version["version"] for version in versions] == list(range(33, 0, -1))
    assert {version["name"] for version in versions[:-1]} == {f"client {i}" for i in range(32)}


def test_clients_without_if_match_lose_no_update(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type({f"k{i}": {"type": "long"} for i in range(8)}))
    path = f"/v1/assets/{asset['id']}"
    answers = at_once(8, lambda i: rest.patch(path, json={"metadata": {f"k{i}": i}}))
    made = [i for i, answer in enumerate(answers) if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert made
    assert rest.get(path).get_json()["metadata"] == {f"k{i}": i for i in made}


def test_one_idempotency_key_makes_one_asset_and_gets_one_answer(rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    body = {"type": kind, "name": "once", "metadata": {"codec": "h264"}}
    answers = at_once(8, lambda _: rest.post("/v1/assets", json=body, headers={"Idempotency-Key": key}))
    assert {answer.status_code for answer in answers} == {201}
    assert len({(answer.text, answer.headers["ETag"], answer.headers["Location"]) for answer in answers}) == 1
    assert len(rest.get(f"/v1/assets?type={kind}").get_json()["items"]) == 1


def test_a_repeat_gets_the_first_answer_even_after_a_change(rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")

    def create(body: dict[str, Any], caller: Rest = rest) -> TestResponse:
        return caller.post("/v1/assets", json=body, headers={"Idempotency-Key": key})

    first = create({"type": kind, "name": "first"})
    rest.patch(first.headers["Location"], json={"name": "changed"})
    again = create({"name": "first", "type": kind})
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert_problem(create({"type": kind, "name": "other"}), 422, "idempotency-key-reused")
    other = create({"type": kind, "name": "other"}, Rest(rest.app, "someone else"))
    assert other.get_json()["id"] != first.get_json()["id"]


def test_a_key_that_is_none_is_refused(rest: Rest) -> None:
    kind = rest.new_type()
    for key in ("", "x" * 256, "zoë"):
        answer = rest.post("/v1/assets", json={"type": kind}, headers={"Idempotency-Key": key})
        assert_problem(answer, 400, "bad-request")


def test_an_external_id_is_one_asset_in_its_project(rest: Rest) -> None:
    kind, name, project = rest.new_type(), unique("e"), unique("p")
    body = {"type": kind, "external_id": name, "project": project}
    answers = at_once(8, lambda _: rest.post("/v1/assets", json=body))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    made = next(answer.get_json() for answer in answers if answer.status_code == 201)
    taken = assert_problem(rest.post("/v1/assets", json=body), 409, "already-exists")
    assert taken["id"] == made["id"]

    assert rest.get(f"/v1/assets?external_id={name}&project={project}").get_json()["items"] == [made]
    assert rest.get(f"/v1/assets?external_id={name}").get_json()["items"] == []
    elsewhere = rest.new_asset(kind, external_id=name)
    assert rest.get(f"/v1/assets?external_id={name}").get_json() == {"items": [elsewhere], "next_cursor": None}
    assert rest.get(f"/v1/assets?external_id={name}&type=other").get_json()["items"] == []


def test_a_deleted_asset_keeps_its_external_id(rest: Rest) -> None:
    kind, name = rest.new_type(), unique("e")
    asset = rest.new_asset(kind, external_id=name)
    rest.delete(f"/v1/assets/{asset['id']}")
    assert rest.get(f"/v1/assets?external_id={name}").get_json()["items"] == []
    assert rest.get(f"/v1/assets?external_id={name}&deleted=true").get_json()["items"][0]["id"] == asset["id"]
    assert_problem(rest.post("/v1/assets", json={"type": kind, "external_id": name}), 409, "already-exists")
    answer = rest.put(f"/v1/assets/by-external-id/default/{name}", json={"type": kind})
    assert_problem(answer, 410, "asset-deleted")


def test_put_by_external_id_creates_and_then_replaces(rest: Rest) -> None:
    kind, project = rest.new_type(), unique("p")
    for name in (unique("e"), f"a/b//{unique('e')}/", f"/{unique('ü %')}", unique("e") + "?x#y", f"{unique('e')}\n"):
        path = f"/v1/assets/by-external-id/{project}/{quote(name)}"
        made = rest.put(path, json={"type": kind, "name": "1", "project": project, "external_id": name})
        assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
        assert made.get_json()["external_id"] == name
        assert rest.get(made.headers["Location"]).get_json() == made.get_json()
        changed = rest.put(path, json={"name": "2"})
        assert (changed.status_code, changed.get_json()["name"]) == (200, "2")
        assert changed.get_json()["id"] == made.get_json()["id"]
        assert_problem(rest.put(path, json={}, headers={"If-Match": '"1"'}), 412, "revision-mismatch")
        assert_problem(rest.put(path, json={"type": "other"}), 422, "unprocessable", "/type")


def test_put_by_external_id_refuses_what_makes_no_asset(rest: Rest) -> None:
    kind, name = rest.new_type(), unique("e")
    path = f"/v1/assets/by-external-id/p/{name}"
    assert_problem(rest.put(path, json={"name": "x"}), 422, "unprocessable", "/type")
    assert_problem(rest.put(path, json={"type": kind, "project": "q"}), 422, "unprocessable", "/project")
    assert_problem(rest.put(path, json={"type": kind, "external_id": "other"}), 422, "unprocessable", "/external_id")
    assert_problem(rest.put(path, json={"type": kind}, headers={"If-Match": '"1"'}), 412, "revision-mismatch")
    assert_problem(rest.put("/v1/assets/by-external-id/p/%00", json={"type": kind}), 400, "bad-request")
    assert_problem(rest.put(f"/v1/assets/by-external-id/p/{'x' * 1025}", json={"type": kind}), 400, "bad-request")


def test_puts_by_external_id_at_once_make_one_asset(rest: Rest) -> None:
    kind, name = rest.new_type(), unique("e")
    path = f"/v1/assets/by-external-id/p/{name}"
    answers = at_once(8, lambda i: rest.put(path, json={"type": kind, "name": f"client {i}"}))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert sorted(answer.get_json()["revision"] for answer in answers) == list(range(1, 9))
