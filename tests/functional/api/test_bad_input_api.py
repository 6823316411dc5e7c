"""Bad input gets a problem of the 400 class that names the place, and is never the server's error."""

import json
import time
from typing import Any

import pytest

from tests.support.service.rest import Rest, assert_problem

UNKNOWN = "01912345-6789-7abc-8def-0123456789ab"
JSON = "application/json"


@pytest.fixture
def kind(rest: Rest) -> str:
    return rest.new_type(
        {
            "n": {"type": "long", "minimum": 0, "maximum": 100},
            "d": {"type": "double"},
            "s": {"type": "string", "enum": ["a", "b"]},
            "free": {"type": "string"},
            "t": {"type": "text"},
            "b": {"type": "boolean"},
            "at": {"type": "date"},
            "many": {"type": "long", "array": True},
        }
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"{", None),
        (b'{"type": }', None),
        (b'{"type": "T"} {}', None),
        (b"{'type': 'T'}", None),
        (b'{"type": "T",}', None),
        (b'{"type": "a\nb"}', None),
        (b'{"type": "\xff"}', None),
        (b'{"type": "\xed\xa0\x80"}', None),
        (b'\xef\xbb\xbf{"type": "T"}', None),
        (b'{"type": "T", "name": "\\x"}', None),
        (b'{"type": "T", "metadata": {"d": NaN}}', "/metadata/d"),
        (b'{"type": "T", "metadata": {"d": Infinity}}', "/metadata/d"),
        (b'{"type": "T", "metadata": {"d": -Infinity}}', "/metadata/d"),
        (b'{"type": "T", "metadata": {"d": 1e400}}', "/metadata/d"),
        (b'{"type": "T", "metadata": {"n": 9223372036854775808}}', "/metadata/n"),
        (b'{"type": "T", "metadata": {"many": [1, -9223372036854775809]}}', "/metadata/many/1"),
        (b'{"type": "T", "metadata": {"n": ' + b"9" * 5000 + b"}}", "/metadata/n"),
        (b'{"type": "T", "type": "T"}', ""),
        (b'{"type": "T", "metadata": {"n": 1, "n": 1}}', "/metadata"),
        (b'{"type": "T", "name": "\\ud800"}', "/name"),
        (b'{"type": "T", "name": "a\\udc00b"}', "/name"),
        (b'{"type": "T", "name": "a\\u0000b"}', "/name"),
        (b'{"type": "T", "metadata": {"\\u0000": 1}}', "/metadata"),
        (b'{"type": "T", "metadata": {"a/b~c": "\\u0000"}}', "/metadata/a~1b~0c"),
        (b'{"type": "T", "metadata": ' + b"[" * 41 + b"]" * 41 + b"}", ""),
        (b'{"type": ' * 2000 + b"1" + b"}" * 2000, ""),
        (b"[" * 500_000, ""),
    ],
)
def test_json_that_is_not_accepted_is_refused_with_its_place(
    rest: Rest, kind: str, body: bytes, pointer: str | None
) -> None:
    sent = body.replace(b'"T"', json.dumps(kind).encode())
    for method, path in (("POST", "/v1/assets"), ("PATCH", f"/v1/assets/{UNKNOWN}"), ("POST", "/v1/search")):
        answer = rest.call(method, path, data=sent, content_type=JSON)
        problem = assert_problem(answer, 400, "malformed-json", *([] if pointer is None else [pointer]))
        if pointer is None:
            assert "line" in problem["detail"] or "UTF-8" in problem["detail"]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"5", b'"{\\"type\\": \\"T\\"}"'])
def test_json_that_is_not_an_object_is_refused_as_such(rest: Rest, body: bytes) -> None:
    for method, path in (("POST", "/v1/assets"), ("PATCH", f"/v1/assets/{UNKNOWN}")):
        assert_problem(rest.call(method, path, data=body, content_type=JSON), 422, "unprocessable", "")
    assert_problem(rest.post("/v1/search", data=body, content_type=JSON), 400, "bad-query", "")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"type": None}, ["/type"]),
        ({"type": "nope"}, ["/type"]),
        ({"name": 5}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"name": "x" * 1025}, ["/name"]),
        ({"name": "é" * 513}, ["/name"]),
        ({"labels": "x"}, ["/labels"]),
        ({"labels": [1]}, ["/labels/0"]),
        ({"labels": ["ok", "x" * 1025]}, ["/labels/1"]),
        ({"labels": [str(i) for i in range(1001)]}, ["/labels"]),
        ({"metadata": []}, ["/metadata"]),
        ({"metadata": {"nope": 1}}, ["/metadata/nope"]),
        ({"metadata": {"n": "5"}}, ["/metadata/n"]),
        ({"metadata": {"n": True}}, ["/metadata/n"]),
        ({"metadata": {"n": 1.5}}, ["/metadata/n"]),
        ({"metadata": {"n": -1}}, ["/metadata/n"]),
        ({"metadata": {"n": 101}}, ["/metadata/n"]),
        ({"metadata": {"n": 1e30}}, ["/metadata/n"]),
        ({"metadata": {"n": [1]}}, ["/metadata/n"]),
        ({"metadata": {"n": {}}}, ["/metadata/n"]),
        ({"metadata": {"d": 9007199254740993}}, ["/metadata/d"]),
        ({"metadata": {"d": "1.0"}}, ["/metadata/d"]),
        ({"metadata": {"s": "c"}}, ["/metadata/s"]),
        ({"metadata": {"free": "x" * 8193}}, ["/metadata/free"]),
        ({"metadata": {"t": "x" * 32_769}}, ["/metadata/t"]),
        ({"metadata": {"b": 0}}, ["/metadata/b"]),
        ({"metadata": {"at": "yesterday"}}, ["/metadata/at"]),
        ({"metadata": {"at": "2020-01-01T00:00:00"}}, ["/metadata/at"]),
        ({"metadata": {"at": "2020-02-30"}}, ["/metadata/at"]),
        ({"metadata": {"at": 5}}, ["/metadata/at"]),
        ({"metadata": {"many": 1}}, ["/metadata/many"]),
        ({"metadata": {"many": [1, None]}}, ["/metadata/many/1"]),
        ({"metadata": {"many": [[1]]}}, ["/metadata/many/0"]),
        ({"metadata": {"many": list(range(1001))}}, ["/metadata"]),
        (
            {"metadata": {"n": -1, "b": 0, "nope": 1}, "name": "x" * 1025},
            ["/name", "/metadata/b", "/metadata/n", "/metadata/nope"],
        ),
        ({"external_id": ""}, ["/external_id"]),
        ({"external_id": 5}, ["/external_id"]),
        ({"external_id": "x" * 1025}, ["/external_id"]),
        ({"project": ""}, ["/project"]),
        ({"project": None}, ["/project"]),
        ({"project": "x" * 1025}, ["/project"]),
        ({"created_at": "then"}, ["/created_at"]),
        ({"created_at": 5}, ["/created_at"]),
        ({"created_at": "2999-01-01"}, ["/created_at"]),
        ({"created_at": "1969-12-31"}, ["/created_at"]),
        ({"id": 5}, ["/id"]),
        ({"metdata": {}}, ["/metdata"]),
    ],
)
def test_an_asset_that_does_not_fit_is_refused_with_every_place(
    rest: Rest, kind: str, body: dict[str, Any], pointers: list[str]
) -> None:
    assert_problem(rest.post("/v1/assets", json={"type": kind} | body), 422, "unprocessable", *pointers)
    assert rest.get(f"/v1/assets?type={kind}").get_json()["items"] == []


def test_an_asset_that_is_too_large_is_refused(rest: Rest) -> None:
    kind = rest.new_type({f"t{i}": {"type": "text"} for i in range(40)})
    metadata = {f"t{i}": "x" * 32_768 for i in range(40)}
    assert_problem(rest.post("/v1/assets", json={"type": kind, "metadata": metadata}), 422, "unprocessable", "")
    asset = rest.new_asset(kind)
    answer = rest.patch(f"/v1/assets/{asset['id']}", json={"metadata": metadata})
    assert_problem(answer, 422, "unprocessable", "")


def _future_id() -> str:
    ms = int(time.time() * 1000) + 3_600_000
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7abc-8def-0123456789ab"


def test_an_id_in_the_future_is_refused(rest: Rest, kind: str) -> None:
    assert_problem(rest.post("/v1/assets", json={"type": kind, "id": _future_id()}), 422, "unprocessable", "/id")


@pytest.mark.parametrize(
    "garbled",
    [
        "nope",
        "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "00000000-0000-0000-0000-000000000000",
        "01912345-6789-7abc-0def-0123456789ab",
        "0191234567897abc8def0123456789ab",
        "00000000-0000-1000-8000-000000000000",
        "01912345-6789-7abc-8def-0123456789aß",
        " 1912345-6789-7abc-8def-0123456789ab",
    ],
)
def test_an_id_that_is_no_time_uuid_is_refused(rest: Rest, kind: str, garbled: str) -> None:
    path = f"/v1/assets/{garbled}"
    for answer in (
        rest.get(path),
        rest.put(path, json={}),
        rest.patch(path, json={}),
        rest.delete(path),
        rest.post(f"{path}/restore"),
        rest.get(f"{path}/versions"),
        rest.get(f"{path}/versions/1"),
    ):
        assert_problem(answer, 400, "invalid-id")
    assert_problem(rest.post("/v1/assets", json={"type": kind, "id": garbled}), 400, "invalid-id", "/id")
    assert_problem(rest.post("/v1/assets/get", json={"ids": [UNKNOWN, garbled]}), 400, "invalid-id", "/ids/1")


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", "01", "99999999999999999999", "2147483648", "%D9%A1"])
def test_a_version_that_is_no_number_is_refused(rest: Rest, kind: str, number: str) -> None:
    path = f"/v1/assets/{rest.new_asset(kind)['id']}/versions"
    assert_problem(rest.get(f"{path}/{number}"), 400, "bad-request")
    assert_problem(rest.get(f"/v1/types/{kind}/versions/{number}"), 400, "bad-request")


@pytest.mark.parametrize(
    "query",
    [
        "/v1/assets?limit=0",
        "/v1/assets?limit=201",
        "/v1/assets?limit=ten",
        "/v1/assets?limit=1_0",
        "/v1/assets?limit=",
        "/v1/assets?limit=1&limit=2",
        "/v1/assets?typ=clip",
        "/v1/assets?type=",
        "/v1/assets?type=%00",
        "/v1/assets?project=" + "x" * 1025,
        "/v1/assets?fields=",
        "/v1/assets?fields=nope",
        "/v1/assets?fields=name,,id",
        "/v1/assets?fields=metadata.",
        "/v1/assets?deleted=yes",
        "/v1/assets?longs=text",
        "/v1/search?size=-1",
        "/v1/search?size=1000",
        "/v1/search?total=all",
        "/v1/types?limit=0",
        "/v1/types?name=x",
        "/v1/assets?type=%FF",
        "/healthz?verbose=1",
    ],
)
def test_a_query_parameter_that_is_wrong_or_unknown_is_refused(rest: Rest, query: str) -> None:
    assert_problem(rest.get(query), 400, "bad-request")


@pytest.mark.parametrize(
    "query",
    ["wait_for=indexed", "wait_for=searchable&timeout=5", "timeout=61s", "timeout=-1s", "timeout=1h", "time=5s"],
)
def test_a_write_whose_parameters_are_wrong_is_not_done(rest: Rest, kind: str, query: str) -> None:
    assert_problem(rest.post(f"/v1/assets?{query}", json={"type": kind}), 400, "bad-request")
    assert rest.get(f"/v1/assets?type={kind}").get_json()["items"] == []


def test_an_unknown_parameter_is_named_with_those_that_are_known(rest: Rest) -> None:
    detail = assert_problem(rest.get("/v1/assets?limits=5"), 400, "bad-request")["detail"]
    assert "'limits'" in detail
    assert "limit" in detail.split("known here:")[1]


@pytest.mark.parametrize("name", ["", "x" * 257, "tab\there", "\xc3\x28", "\x7f"])
def test_a_caller_whose_name_is_none_is_refused(rest: Rest, name: str) -> None:
    assert_problem(rest.get("/v1/types", headers={"AMP-Principal": name}), 400, "bad-request")
