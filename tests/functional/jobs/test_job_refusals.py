"""Jobs over assets that make no sense are refused before anything runs, with the place of each fault."""

import json
from typing import Any

import pytest

from amp.domain.ids import mint_at
from tests.support.jobs.calls import JOBS
from tests.support.service.rest import Rest, assert_problem, unique

DAYS = ("1995-03-01T00:00:00Z", "1995-03-02T00:00:00Z")


@pytest.fixture(scope="module")
def kind(rest: Rest) -> str:
    return rest.new_type()


@pytest.fixture(scope="module")
def strict_kind(rest: Rest) -> str:
    """A type that asks for a codec."""
    return rest.new_type(
        {"codec": {"type": "string", "required": True}, "remark": {"type": "string"}, "cameraId": {"type": "long"}}
    )


ALL: dict[str, Any] = {"all": True}


def test_a_refusal_is_reported_in_words_of_its_own(rest: Rest) -> None:
    answer = rest.post(JOBS, json={"kind": "reindex", "selector": {}})
    detail = "selects nothing; use all, type, project, created, query or ids"
    assert answer.get_json()["errors"] == [{"pointer": "/selector", "detail": detail}]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "explode", "selector": ALL}, "/kind"),
        ({"kind": "", "selector": ALL}, "/kind"),
        ({"selector": ALL}, "/kind"),
        ({"kind": "reindex"}, "/selector"),
        ({"kind": "reindex", "selector": {}}, "/selector"),
        ({"kind": "reindex", "selector": {"all": False}}, "/selector/all"),
        ({"kind": "reindex", "selector": ALL | {"type": "KIND"}}, "/selector"),
        ({"kind": "reindex", "selector": ALL | {"created": {"from": DAYS[0]}}}, "/selector"),
        ({"kind": "reindex", "selector": {"ids": [str(mint_at(1))], "type": "KIND"}}, "/selector"),
        ({"kind": "reindex", "selector": {"query": "x", "created": {"from": DAYS[0]}}}, "/selector"),
        ({"kind": "reindex", "selector": {"type": "KIND", "project": "p"}}, "/selector/project"),
        ({"kind": "reindex", "selector": {"type": "no-such-type"}}, "/selector/type"),
        ({"kind": "reindex", "selector": {"created": {}}}, "/selector/created"),
        ({"kind": "reindex", "selector": {"created": {"from": DAYS[0], "to": DAYS[0]}}}, "/selector/created/to"),
        ({"kind": "reindex", "selector": {"created": {"from": DAYS[1], "to": DAYS[0]}}}, "/selector/created/to"),
        ({"kind": "reindex", "selector": {"created": {"from": "soon"}}}, "/selector/created/from"),
        ({"kind": "reindex", "selector": {"created": {"to": "1995-03-01T00:00:00"}}}, "/selector/created/to"),
        ({"kind": "reindex", "selector": {"created": {"since": DAYS[0]}}}, "/selector/created/since"),
        ({"kind": "reindex", "selector": {"query": "("}}, "/selector/query"),
        ({"kind": "reindex", "selector": {"query": "no_such_field_at_all:5"}}, "/selector/query"),
        ({"kind": "reindex", "selector": {"query": ""}}, "/selector/query"),
        ({"kind": "delete", "selector": {"query": " \u00a0"}}, "/selector/query"),
        ({"kind": "reindex", "selector": {"project": "p" * 1_025}}, "/selector/project"),
        ({"kind": "delete", "selector": {"query": '""'}}, "/selector/query"),
        ({"kind": "delete", "selector": {"query": '"!?" ""'}}, "/selector/query"),
        ({"kind": "reindex", "selector": {"ids": []}}, "/selector/ids"),
        ({"kind": "reindex", "selector": {"ids": [str(mint_at(1)), "nonsense"]}}, "/selector/ids/1"),
        ({"kind": "reindex", "selector": {"ids": str(mint_at(1))}}, "/selector/ids"),
        ({"kind": "reindex", "selector": ALL, "rate": 0}, "/rate"),
        ({"kind": "reindex", "selector": ALL, "rate": -1}, "/rate"),
        ({"kind": "reindex", "selector": ALL, "rate": "fast"}, "/rate"),
        ({"kind": "reindex", "selector": ALL, "sample": 0}, "/sample"),
        ({"kind": "reindex", "selector": ALL, "sample": True}, "/sample"),
        ({"kind": "reindex", "selector": ALL, "max_failures": -1}, "/max_failures"),
        ({"kind": "reindex", "selector": ALL, "dry_run": True}, "/dry_run"),
        ({"kind": "check", "selector": ALL, "dry_run": True}, "/dry_run"),
        ({"kind": "delete", "selector": ALL, "dry_run": "yes"}, "/dry_run"),
        ({"kind": "delete", "selector": ALL, "parameters": {"deep": True}}, "/parameters/deep"),
        ({"kind": "check", "selector": ALL, "parameters": {"retention_s": 1}}, "/parameters/retention_s"),
        ({"kind": "fix", "selector": ALL, "parameters": {"deeper": True}}, "/parameters/deeper"),
        ({"kind": "purge", "selector": ALL, "parameters": {"retention_s": -1}}, "/parameters/retention_s"),
        ({"kind": "purge", "selector": {"query": "x"}}, "/selector/query"),
        ({"kind": "restore", "selector": {"query": "x"}}, "/selector/query"),
        ({"kind": "reindex", "selector": ALL, "retries": 3}, "/retries"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(rest: Rest, kind: str, body: Any, pointer: str) -> None:
    _refused(rest, json.loads(json.dumps(body).replace("KIND", kind)), pointer)


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({}, "/parameters"),
        ({"set": {}, "remove": []}, "/parameters"),
        ({"set": {"no_such_field": 1}}, "/parameters/set/no_such_field"),
        ({"set": {"tags": ["a"]}}, "/parameters/set/tags"),
        ({"set": {"cameraId": "five"}}, "/parameters/set/cameraId"),
        ({"set": {"cameraId": [5]}}, "/parameters/set/cameraId"),
        ({"set": {"codec": None}}, "/parameters/set/codec"),
        ({"remove": ["remark", "codec"]}, "/parameters/remove/1"),
        ({"remove": ["no_such_field"]}, "/parameters/remove/0"),
        ({"remove": "remark"}, "/parameters/remove"),
        ({"rename": {"codec": "remark"}}, "/parameters/rename/codec"),
        ({"rename": {"remark": "cameraId"}}, "/parameters/rename/remark"),
        ({"rename": {"remark": "no_such_field"}}, "/parameters/rename/remark"),
        ({"rename": {"remark": "remark"}}, "/parameters/rename/remark"),
        ({"copy": {"remark": "remark"}}, "/parameters/copy/remark"),
        ({"copy": {"cameraId": "remark"}}, "/parameters/copy/cameraId"),
        ({"set": {"remark": "x"}, "remove": ["remark"]}, "/parameters/remove/0"),
        ({"set": {"remark": "x"}, "copy": {"codec": "remark"}}, "/parameters/copy/codec"),
        ({"remove": ["remark"], "rename": {"remark": "codec"}}, "/parameters/remove/0"),
    ],
)
def test_an_update_that_cannot_be_made_is_refused_with_its_place(
    rest: Rest, kind: str, strict_kind: str, parameters: Any, pointer: str
) -> None:
    assert kind, "another type has the field `tags`"
    body = {"kind": "update-metadata", "selector": {"type": strict_kind}, "parameters": parameters}
    _refused(rest, body, pointer)


def test_values_that_no_type_can_take_are_refused_without_types(rest: Rest, kind: str) -> None:
    selectors: list[dict[str, Any]] = [{"project": unique("p")}, {"ids": [str(mint_at(1))]}, {"query": f"type:{kind}"}]
    for selector in selectors:
        body = {"kind": "update-metadata", "selector": selector, "parameters": {"set": {"cameraId": "five"}}}
        _refused(rest, body, "/parameters/set/cameraId")
        body = {"kind": "update-metadata", "selector": selector, "parameters": {"set": {"camera_Id": 5}}}
        assert "'cameraId'" in _refused(rest, body, "/parameters/set/camera_Id")["errors"][0]["detail"]


def _refused(rest: Rest, body: Any, pointer: str) -> dict[str, Any]:
    before = rest.get(JOBS).get_json()["items"]
    problem = assert_problem(rest.post(JOBS, json=body), 422, "unprocessable", pointer)
    assert len(problem["errors"][0]["detail"]) > 5
    assert [job["id"] for job in rest.get(JOBS).get_json()["items"]] == [job["id"] for job in before]
    return problem
