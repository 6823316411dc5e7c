"""Asset types over REST: what a definition may say, and how one version follows another."""

import itertools
from typing import Any

import pytest

from tests.support.service.rest import FIELDS, Rest, assert_problem, unique


def test_a_registered_type_is_read_back_in_canonical_form(rest: Rest) -> None:
    name = unique("type")
    fields = {
        "cameraId": {"type": "long", "required": True, "minimum": 1.0, "maximum": 10, "unit": "", "description": "d"},
        "shot": {"type": "date", "minimum": "2001-01-01", "enum": ["2002-01-01T01:00:00+01:00", "2002-01-01"]},
        "codec": {"type": "string", "enum": ["h264", "hevc"], "minimum": "a", "array": True},
        "rate": {"type": "double", "enum": [24, 25.0]},
        "flag": {"type": "boolean", "required": False, "array": False, "enum": None},
    }
    made = rest.post("/v1/types", json={"name": name, "description": "clips", "fields": fields})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/v1/types/{name}"
    expected = {
        "cameraId": {"type": "long", "required": True, "minimum": 1, "maximum": 10, "unit": "", "description": "d"},
        "shot": {"type": "date", "minimum": "2001-01-01T00:00:00.000Z", "enum": ["2002-01-01T00:00:00.000Z"]},
        "codec": {"type": "string", "enum": ["h264", "hevc"], "minimum": "a", "array": True},
        "rate": {"type": "double", "enum": [24.0, 25.0]},
        "flag": {"type": "boolean"},
    }
    found = rest.get(f"/v1/types/{name}").get_json()
    assert found == made.get_json()
    assert (found["name"], found["version"], found["description"], found["fields"]) == (name, 1, "clips", expected)
    assert rest.get(f"/v1/types/{name}/versions/1").get_json() == found


def test_a_name_is_taken_once(rest: Rest) -> None:
    name = rest.new_type()
    assert_problem(rest.post("/v1/types", json={"name": name}), 409, "already-exists")


def test_a_compatible_change_makes_the_next_version(rest: Rest) -> None:
    name = rest.new_type({"codec": {"type": "string", "required": True, "enum": ["h264"]}})
    first = rest.get(f"/v1/types/{name}").get_json()
    body = {"fields": {"codec": {"type": "string", "enum": ["h264", "hevc"]}, "more": {"type": "long"}}}
    second = rest.put(f"/v1/types/{name}", json=body)
    assert second.status_code == 200
    assert (second.get_json()["version"], second.get_json()["fields"]) == (2, body["fields"])
    assert rest.put(f"/v1/types/{name}", json=second.get_json()).get_json()["version"] == 2
    assert rest.get(f"/v1/types/{name}/versions/1").get_json() == first
    assert rest.get(f"/v1/types/{name}").get_json() == second.get_json()
    assert rest.new_asset(name, metadata={"more": 1})["type_version"] == 2


def test_an_incompatible_change_is_refused_with_all_that_is_incompatible(rest: Rest) -> None:
    before = {"a": {"type": "long", "maximum": 9}, "b": {"type": "string"}, "c": {"type": "string"}}
    name = rest.new_type(before)
    after = {"a": {"type": "long", "maximum": 8}, "b": {"type": "text"}, "d": {"type": "long", "required": True}}
    answer = rest.put(f"/v1/types/{name}", json={"fields": after})
    assert_problem(
        answer, 409, "incompatible-type", "/fields/a/maximum", "/fields/b/type", "/fields/c", "/fields/d/required"
    )
    assert rest.get(f"/v1/types/{name}").get_json()["version"] == 1


def test_types_are_listed_page_by_page(rest: Rest) -> None:
    names = {rest.new_type() for _ in range(5)}
    listed: list[str] = []
    cursor = ""
    for _ in itertools.count():
        page = rest.get(f"/v1/types?limit=2{cursor}").get_json()
        assert len(page["items"]) <= 2
        listed += [found["name"] for found in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert listed == sorted(set(listed))
    assert names <= set(listed)


def test_what_is_not_there_is_404(rest: Rest) -> None:
    name = unique("none")
    for answer in (
        rest.get(f"/v1/types/{name}"),
        rest.get(f"/v1/types/{name}/versions/1"),
        rest.put(f"/v1/types/{name}", json={}),
        rest.get("/v1/types/no%20name"),
        rest.get("/v1/types/%00"),
        rest.get(f"/v1/types/{rest.new_type()}/versions/2"),
    ):
        assert_problem(answer, 404, "type-not-found")


@pytest.mark.parametrize(
    ("field", "pointers"),
    [
        ({"type": "integer"}, ["/fields/f/type"]),
        ({}, ["/fields/f/type"]),
        ("long", ["/fields/f"]),
        ({"type": "long", "nullable": True}, ["/fields/f/nullable"]),
        ({"type": "long", "required": "yes"}, ["/fields/f/required"]),
        ({"type": "long", "array": 1}, ["/fields/f/array"]),
        ({"type": "long", "enum": []}, ["/fields/f/enum"]),
        ({"type": "long", "enum": list(range(1001))}, ["/fields/f/enum"]),
        ({"type": "long", "enum": [1, "2", 2.5]}, ["/fields/f/enum/1", "/fields/f/enum/2"]),
        ({"type": "text", "enum": ["a"]}, ["/fields/f/enum"]),
        ({"type": "boolean", "minimum": True}, ["/fields/f/minimum"]),
        ({"type": "text", "maximum": "z"}, ["/fields/f/maximum"]),
        ({"type": "long", "minimum": 2, "maximum": 1}, ["/fields/f/minimum"]),
        ({"type": "date", "minimum": "2002-01-01", "maximum": "2001-01-01"}, ["/fields/f/minimum"]),
        ({"type": "date", "minimum": "yesterday"}, ["/fields/f/minimum"]),
        ({"type": "double", "maximum": "1"}, ["/fields/f/maximum"]),
        ({"type": "string", "minimum": 1}, ["/fields/f/minimum"]),
        ({"type": "long", "unit": 5}, ["/fields/f/unit"]),
        ({"type": "long", "unit": "x" * 1025}, ["/fields/f/unit"]),
        ({"type": "long", "description": "x" * 40_000}, ["/fields/f/description"]),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(rest: Rest, field: Any, pointers: list[str]) -> None:
    answer = rest.post("/v1/types", json={"name": unique("type"), "fields": {"f": field}})
    assert_problem(answer, 422, "unprocessable", *pointers)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "1st"}, "/name"),
        ({"name": "a" * 129}, "/name"),
        ({"name": "naïve"}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "ok", "fields": {"no blank": {"type": "long"}}}, "/fields/no blank"),
        ({"name": "ok", "fields": {"a/b": {"type": "long"}}}, "/fields/a~1b"),
        ({"name": "ok", "fields": []}, "/fields"),
        ({"name": "ok", "fields": {f"f{i}": {"type": "long"} for i in range(1001)}}, "/fields"),
        ({"name": "ok", "extends": "base"}, "/extends"),
        ({"name": "ok", "version": 2}, "/version"),
        ({"name": "ok", "filds": {}}, "/filds"),
        ({"name": "ok", "description": None}, "/description"),
    ],
)
def test_a_definition_that_cannot_be_taken_is_refused(rest: Rest, body: dict[str, Any], pointer: str) -> None:
    assert_problem(rest.post("/v1/types", json=body), 422, "unprocessable", pointer)


def test_a_thousand_fields_are_taken(rest: Rest) -> None:
    rest.new_type({f"{unique('wide')}.{i}": {"type": "long"} for i in range(1000)})


def test_put_must_name_the_type_in_its_path(rest: Rest) -> None:
    name = rest.new_type()
    assert_problem(rest.put(f"/v1/types/{name}", json={"name": "other"}), 422, "unprocessable", "/name")
    assert rest.put(f"/v1/types/{name}", json={"name": name, "fields": FIELDS}).status_code == 200
