"""Assets over REST: create, read, replace, patch, delete, restore, and their versions."""

import uuid
from typing import Any

import pytest

from tests.support.service.rest import Rest, assert_problem, unique

UNKNOWN = "01912345-6789-7abc-8def-0123456789ab"


def test_a_created_asset_is_read_back_as_it_was_answered(rest: Rest) -> None:
    kind = rest.new_type()
    metadata = {"cameraId": 42323243, "codec": "h264", "rate": 23.976, "hdr": False, "takes": [3, 1]}
    made = rest.post(
        "/v1/assets", json={"type": kind, "name": "Alien", "metadata": metadata, "labels": ["b", "a", "b"]}
    )
    assert made.status_code == 201
    assert made.headers["ETag"] == '"1"'
    asset = made.get_json()
    assert asset == {
        "id": asset["id"],
        "external_id": None,
        "type": kind,
        "type_version": 1,
        "name": "Alien",
        "project": "default",
        "metadata": metadata,
        "labels": ["a", "b"],
        "version": 1,
        "revision": 1,
        "state": "active",
        "created_at": asset["created_at"],
        "created_by": "anonymous",
        "updated_at": asset["updated_at"],
        "updated_by": "anonymous",
    }
    read = rest.get(made.headers["Location"])
    assert read.status_code == 200
    assert read.headers["ETag"] == '"1"'
    assert read.get_json() == asset


def test_values_come_back_in_canonical_form(rest: Rest) -> None:
    given = {"cameraId": 5.0, "rate": 2, "shot": "1998-06-12", "notes": None}
    asset = rest.new_asset(rest.new_type(), metadata=given)
    assert asset["metadata"] == {"cameraId": 5, "rate": 2.0, "shot": "1998-06-12T00:00:00.000Z"}
    assert isinstance(asset["metadata"]["cameraId"], int)
    assert isinstance(asset["metadata"]["rate"], float)


def test_an_import_keeps_its_id_and_its_time(rest: Rest) -> None:
    kind = rest.new_type()
    # Version 1, of the time below, its last 48 bits those of no other test.
    own = f"6ba7b810-9dad-11d1-80b4-{uuid.uuid4().hex[:12]}"
    asset = rest.new_asset(kind, id=own, created_at="1998-02-04T22:13:53.151Z")
    assert (asset["id"], asset["created_at"]) == (own, "1998-02-04T22:13:53.151Z")
    at = rest.new_asset(kind, created_at="2001-02-03T04:05:06.789+01:00")
    assert at["created_at"] == "2001-02-03T03:05:06.789Z"
    assert_problem(
        rest.post("/v1/assets", json={"type": kind, "id": UNKNOWN, "created_at": "2001-02-03"}),
        422,
        "unprocessable",
        "/created_at",
    )


def test_an_id_is_taken_once(rest: Rest) -> None:
    kind = rest.new_type()
    asset = rest.new_asset(kind)
    again = rest.post("/v1/assets", json={"type": kind, "id": asset["id"]})
    assert assert_problem(again, 409, "already-exists")["id"] == asset["id"]


def test_a_reader_who_has_it_gets_304(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type())
    path = f"/v1/assets/{asset['id']}"
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = rest.get(path, headers={"If-None-Match": known})
        assert answer.status_code == 304
        assert answer.headers["ETag"] == '"1"'
        assert answer.data == b""
        assert "Content-Type" not in answer.headers
    assert rest.get(path, headers={"If-None-Match": '"2"'}).status_code == 200


def test_head_answers_as_get_without_the_body(rest: Rest) -> None:
    path = f"/v1/assets/{rest.new_asset(rest.new_type())['id']}"
    got, head = rest.get(path), rest.call("HEAD", path)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_put_replaces_the_content_and_makes_a_version(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), name="a", metadata={"codec": "h264", "hdr": True}, labels=["x"])
    path = f"/v1/assets/{asset['id']}"
    changed = rest.put(path, json={"name": "b", "metadata": {"codec": "hevc"}})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    now = changed.get_json()
    assert (now["name"], now["metadata"], now["labels"]) == ("b", {"codec": "hevc"}, [])
    assert (now["version"], now["revision"]) == (2, 2)
    assert rest.get(path).get_json() == now


def test_what_get_gave_can_be_changed_and_put_back(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), metadata={"codec": "h264"}, external_id=unique("e"))
    asset["metadata"]["codec"] = "hevc"
    changed = rest.put(f"/v1/assets/{asset['id']}", json=asset)
    assert changed.status_code == 200, changed.text
    assert changed.get_json()["metadata"] == {"codec": "hevc"}


def test_a_write_that_changes_nothing_makes_no_revision(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), name="same", metadata={"takes": [1, 2]}, labels=["x"])
    path = f"/v1/assets/{asset['id']}"
    for answer in (
        rest.put(path, json=asset),
        rest.patch(path, json={}),
        rest.patch(path, json={"metadata": {"codec": None}}),
        rest.post(f"{path}/restore"),
    ):
        assert answer.status_code == 200
        assert answer.get_json() == asset


def test_labels_raise_the_revision_but_not_the_version(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type())
    now = rest.patch(f"/v1/assets/{asset['id']}", json={"labels": ["z", "a"]}).get_json()
    assert (now["labels"], now["version"], now["revision"]) == (["a", "z"], 1, 2)


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"metadata": {"codec": "hevc"}}, {"metadata": {"codec": "hevc", "hdr": True}}),
        ({"metadata": {"codec": None}}, {"metadata": {"hdr": True}}),
        ({"metadata": None}, {"metadata": {}}),
        ({"name": None}, {"name": ""}),
        ({"name": "new"}, {"name": "new"}),
        ({"labels": None}, {"labels": []}),
        ({"labels": ["y"]}, {"labels": ["y"]}),
        ({"metadata": {"tags": ["p", "q"]}}, {"metadata": {"codec": "h264", "hdr": True, "tags": ["p", "q"]}}),
    ],
)
def test_a_merge_patch_changes_what_it_names_and_removes_what_is_null(
    rest: Rest, patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    asset = rest.new_asset(rest.new_type(), name="old", metadata={"codec": "h264", "hdr": True}, labels=["x"])
    for media_type in ("application/merge-patch+json", "application/json"):
        answer = rest.patch(f"/v1/assets/{asset['id']}", json=patch, content_type=media_type)
        assert answer.status_code == 200, answer.text
        changed = answer.get_json()
        untouched = ("name", "metadata", "labels", "state")
        assert {name: changed[name] for name in untouched} == {name: asset[name] for name in untouched} | {
            name: value for name, value in expected.items() if name in untouched
        }


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("id", UNKNOWN),
        ("type", "another"),
        ("project", "another"),
        ("external_id", "another"),
        ("external_id", None),
        ("created_at", "2001-01-01"),
    ],
)
def test_what_identifies_an_asset_does_not_change(rest: Rest, method: str, field: str, other: str | None) -> None:
    asset = rest.new_asset(rest.new_type(), external_id=unique("e"))
    path = f"/v1/assets/{asset['id']}"
    answer = getattr(rest, method)(path, json={"name": "new", field: other})
    assert_problem(answer, 422, "unprocessable", f"/{field}")
    assert rest.get(path).get_json() == asset


def test_the_same_time_and_id_written_otherwise_are_the_same(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), created_at="2020-05-06T07:08:09Z")
    body = {"id": asset["id"].upper(), "created_at": "2020-05-06T09:08:09+02:00", "name": "new"}
    assert rest.put(f"/v1/assets/{asset['id'].upper()}", json=body).get_json()["name"] == "new"


def test_a_stale_if_match_is_refused_and_leaves_the_asset_unchanged(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), name="a")
    path = f"/v1/assets/{asset['id']}"
    before = rest.put(path, json={"name": "b"}, headers={"If-Match": '"1"'}).get_json()
    for stale in ('"1"', 'W/"2"', '"02"', '"abc"', '"1", "3"', '""'):
        refused = rest.put(path, json={"name": "c"}, headers={"If-Match": stale})
        assert assert_problem(refused, 412, "revision-mismatch")["revision"] == 2
        assert_problem(rest.delete(path, headers={"If-Match": stale}), 412, "revision-mismatch")
    assert rest.get(path).get_json() == before
    for i, fresh in enumerate(('"2"', '"9", "3"', "*")):
        assert rest.put(path, json={"name": f"d{i}"}, headers={"If-Match": fresh}).status_code == 200


@pytest.mark.parametrize("garbled", ["1", '"1', "'1'", '"1" "2"', ",", "", '"1", x', "W/1"])
def test_a_malformed_if_match_is_refused(rest: Rest, garbled: str) -> None:
    path = f"/v1/assets/{rest.new_asset(rest.new_type())['id']}"
    assert_problem(rest.put(path, json={}, headers={"If-Match": garbled}), 400, "bad-request")
    assert_problem(rest.get(path, headers={"If-None-Match": garbled}), 400, "bad-request")


def test_a_deleted_asset_is_gone_until_it_is_restored(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), name="a")
    path = f"/v1/assets/{asset['id']}"
    deleted = rest.delete(path)
    assert (deleted.status_code, deleted.headers["ETag"], deleted.data) == (204, '"2"', b"")
    again = rest.delete(path)
    assert (again.status_code, again.headers["ETag"]) == (204, '"2"')

    gone = assert_problem(rest.get(path), 410, "asset-deleted")
    assert (gone["id"], gone["revision"]) == (asset["id"], 2)
    for answer in (
        rest.put(path, json={"name": "b"}),
        rest.patch(path, json={"name": "b"}),
        rest.get(f"{path}/versions"),
        rest.get(f"{path}/versions/1"),
    ):
        assert_problem(answer, 410, "asset-deleted")
    tombstone = rest.get(f"{path}?deleted=true").get_json()
    assert (tombstone["state"], tombstone["revision"], tombstone["version"]) == ("deleted", 2, 1)
    assert rest.get(f"{path}/versions?deleted=true").status_code == 200

    restored = rest.post(f"{path}/restore")
    assert (restored.status_code, restored.headers["ETag"]) == (200, '"3"')
    assert (restored.get_json()["state"], restored.get_json()["name"]) == ("active", "a")
    assert rest.get(path).get_json() == restored.get_json()


def test_what_is_not_there_is_404(rest: Rest) -> None:
    path = f"/v1/assets/{UNKNOWN}"
    for answer in (
        rest.get(path),
        rest.get(f"{path}?deleted=true"),
        rest.put(path, json={}),
        rest.patch(path, json={}),
        rest.delete(path),
        rest.post(f"{path}/restore"),
        rest.get(f"{path}/versions"),
        rest.get(f"{path}/versions/1"),
    ):
        assert_problem(answer, 404, "asset-not-found")
    asset = rest.new_asset(rest.new_type())
    assert_problem(rest.get(f"/v1/assets/{asset['id']}/versions/2"), 404, "version-not-found")


def test_every_version_stays_readable_and_is_listed_newest_first(rest: Rest) -> None:
    asset = rest.new_asset(rest.new_type(), name="1")
    path = f"/v1/assets/{asset['id']}"
    made = [asset, *(rest.patch(path, json={"name": str(n)}).get_json() for n in range(2, 8))]
    rest.patch(path, json={"labels": ["x"]})
    for number, then in enumerate(made, start=1):
        assert rest.get(f"{path}/versions/{number}").get_json() == then

    listed, sizes, cursor = [], [], ""
    while True:
        page = rest.get(f"{path}/versions?limit=3{cursor}").get_json()
        listed += page["items"]
        sizes.append(len(page["items"]))
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sizes == [3, 3, 1]
    assert listed == made[::-1]


def test_a_caller_is_named_on_what_they_did(rest: Rest) -> None:
    made = Rest(rest.app, "ann").new_asset(rest.new_type())
    changed = Rest(rest.app, "bob").patch(f"/v1/assets/{made['id']}", json={"name": "x"}).get_json()
    assert (changed["created_by"], changed["updated_by"]) == ("ann", "bob")
