"""Bulk creation over REST: every item has a fate of its own."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from amp.api.app import create_app
from tests.support.service.built import running
from tests.support.service.rest import Rest, assert_problem, unique


def bulk(rest: Rest, items: list[Any], query: str = "", **headers: str) -> list[dict[str, Any]]:
    answer = rest.post(f"/v1/assets/bulk{query}", json=items, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    assert len(found) == len(items)
    return found


def test_items_are_created_in_the_order_of_the_input(rest: Rest) -> None:
    kind = rest.new_type()
    made = bulk(rest, [{"type": kind, "name": str(i), "metadata": {"cameraId": i}} for i in range(700)])
    assert {(item["status"], item["revision"], item["problem"]) for item in made} == {(201, 1, None)}
    read = rest.post("/v1/assets/get?fields=name", json={"ids": [item["id"] for item in made]}).get_json()
    assert [item["name"] for item in read["items"]] == [str(i) for i in range(700)]


def test_a_bad_item_hurts_only_itself(rest: Rest) -> None:
    kind, taken = rest.new_type({"codec": {"type": "string", "required": True}}), unique("e")
    good = {"type": kind, "metadata": {"codec": "h264"}}
    holder = rest.new_asset(kind, metadata={"codec": "h264"}, external_id=taken)
    items: list[Any] = [
        good,
        {"type": kind},
        {"type": "no such type"},
        {**good, "metadata": {"codec": 5, "nope": 1}},
        "text",
        {**good, "nam": "x"},
        {**good, "id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"},
        {**good, "external_id": taken},
        {**good, "external_id": f"{taken}-2"},
        {**good, "external_id": f"{taken}-2"},
        good,
    ]
    made = bulk(rest, items)
    assert [item["status"] for item in made] == [201, 422, 422, 422, 422, 422, 400, 409, 201, 409, 201]
    places = [[fault["pointer"] for fault in (item["problem"] or {}).get("errors", [])] for item in made]
    assert places == [
        [], ["/metadata/codec"], ["/type"], ["/metadata/codec", "/metadata/nope"], [""], ["/nam"], ["/id"], [], [], [],
        [],
    ]  # fmt: skip
    assert made[7]["problem"]["id"] == holder["id"]
    assert made[9]["problem"]["id"] == made[8]["id"]
    assert len(rest.get(f"/v1/assets?type={kind}&limit=200").get_json()["items"]) == 4


def test_flaws_of_the_json_within_an_item_hurt_only_it(rest: Rest) -> None:
    kind = rest.new_type()
    flawed = [
        ('{"type": "T", "name": "a", "name": "b"}', ""),
        ('{"type": "T", "metadata": {"rate": NaN}}', "/metadata/rate"),
        ('{"type": "T", "metadata": {"rate": 1e999}}', "/metadata/rate"),
        ('{"type": "T", "metadata": {"takes": [1, 9223372036854775808]}}', "/metadata/takes/1"),
        (r'{"type": "T", "name": "\ud800"}', "/name"),
        (r'{"type": "T", "labels": ["x", "\u0000"]}', "/labels/1"),
    ]
    lines = [line.replace('"T"', json.dumps(kind)) for line, _ in flawed]
    lines.insert(3, json.dumps({"type": kind, "name": "good"}))
    as_array, as_lines = "[" + ",".join(lines) + "]", "\n".join(lines) + "\r\n\n"
    for body, media_type in ((as_array, "application/json"), (as_lines, "application/x-ndjson")):
        answer = rest.post("/v1/assets/bulk", data=body, content_type=media_type)
        assert answer.status_code == 200, answer.text
        items = answer.get_json()["items"]
        good = items.pop(3)
        assert (good["status"], good["problem"]) == (201, None)
        assert {(item["status"], item["problem"]["type"]) for item in items} == {
            (400, "urn:amp:problem:malformed-json")
        }
        assert [item["problem"]["errors"][0]["pointer"] for item in items] == [pointer for _, pointer in flawed]


def test_a_line_that_is_no_json_hurts_only_itself(rest: Rest) -> None:
    kind = rest.new_type()
    body = f'{{"type": "{kind}"}}\n{{"type": \n[]\n\xff\n{{"type": "{kind}"}}'.encode("latin-1")
    items = rest.post("/v1/assets/bulk", data=body, content_type="application/x-ndjson").get_json()["items"]
    assert [item["status"] for item in items] == [201, 400, 422, 400, 201]


def test_a_body_that_is_no_list_is_refused_as_a_whole(rest: Rest) -> None:
    for body in ("[", "", '[{"type": "x"},]'):
        answer = rest.post("/v1/assets/bulk", data=body, content_type="application/json")
        assert_problem(answer, 400, "malformed-json")
    for body in ("{}", "5"):
        answer = rest.post("/v1/assets/bulk", data=body, content_type="application/json")
        assert_problem(answer, 422, "unprocessable", "")
    assert bulk(rest, []) == []
    answer = rest.post("/v1/assets/bulk", data="", content_type="application/x-ndjson")
    assert answer.get_json() == {"items": []}
    assert_problem(rest.post("/v1/assets/bulk", data="[]", content_type="text/csv"), 415, "unsupported-media-type")


def test_an_idempotency_key_makes_a_repeated_bulk_harmless(rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    items = [{"type": kind, "name": str(i)} for i in range(20)]
    first = bulk(rest, items, **{"Idempotency-Key": key})
    assert bulk(rest, items, **{"Idempotency-Key": key}) == first
    changed = bulk(rest, [*items[:5], {"type": kind, "name": "other"}, *items[6:]], **{"Idempotency-Key": key})
    assert changed[5]["problem"]["type"] == "urn:amp:problem:idempotency-key-reused"
    assert changed[:5] + changed[6:] == first[:5] + first[6:]
    assert len(rest.get(f"/v1/assets?type={kind}&limit=200").get_json()["items"]) == 20


def test_bulk_waits_until_all_of_it_is_searchable(rest: Rest) -> None:
    kind = rest.new_type()
    made = bulk(rest, [{"type": kind}] * 30, "?wait_for=searchable&timeout=30s")
    found = rest.ids(query={"field": "type", "eq": kind}, size=200)
    assert sorted(found) == sorted(item["id"] for item in made)


def test_a_packed_bulk_is_unpacked(rest: Rest) -> None:
    body = gzip.compress(json.dumps([{"type": rest.new_type()}] * 3).encode())
    answer = rest.post(
        "/v1/assets/bulk", data=body, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert [item["status"] for item in answer.get_json()["items"]] == [201] * 3


def test_more_items_or_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    with running({"data_dir": tmp_path, "max_bulk_items": 3, "max_bulk_bytes": 1000}) as amp:
        rest = Rest(create_app(amp))
        kind = rest.new_type()
        assert [item["status"] for item in bulk(rest, [{"type": kind}] * 3)] == [201] * 3
        assert_problem(rest.post("/v1/assets/bulk", json=[{"type": kind}] * 4), 413, "too-large")
        lines = "\n".join([json.dumps({"type": kind})] * 4)
        answer = rest.post("/v1/assets/bulk", data=lines, content_type="application/x-ndjson")
        assert_problem(answer, 413, "too-large")
        big = json.dumps([{"type": kind, "name": "x" * 1000}])
        assert_problem(rest.post("/v1/assets/bulk", data=big, content_type="application/json"), 413, "too-large")
        packed = gzip.compress(big.encode())
        assert len(packed) < 200
        answer = rest.post(
            "/v1/assets/bulk", data=packed, content_type="application/json", headers={"Content-Encoding": "gzip"}
        )
        assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize("count", [10_001])
def test_the_usual_bounds_hold(rest: Rest, count: int) -> None:
    assert_problem(rest.post("/v1/assets/bulk", json=[{}] * count), 413, "too-large")
    body = b'[{"type": "' + b"x" * (16 * 1024 * 1024) + b'"}]'
    assert_problem(rest.post("/v1/assets/bulk", data=body, content_type="application/json"), 413, "too-large")
