"""Bodies of another media type, packed badly or too large are refused, and chunked ones are never cut short."""

import gzip
import io
import json
import zlib
from typing import Any

import pytest

from tests.support.service.rest import Rest, assert_problem

UNKNOWN = "01912345-6789-7abc-8def-0123456789ab"
JSON = "application/json"


@pytest.fixture
def kind(rest: Rest) -> str:
    return rest.new_type()


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/xml", "application/json; charset=latin-1"])
def test_a_body_of_another_media_type_is_refused(rest: Rest, kind: str, content_type: str) -> None:
    answer = rest.post("/v1/assets", data=json.dumps({"type": kind}), content_type=content_type)
    assert_problem(answer, 415, "unsupported-media-type")
    patched = rest.put(f"/v1/assets/{UNKNOWN}", data="{}", content_type="application/merge-patch+json")
    assert_problem(patched, 415, "unsupported-media-type")


def test_utf8_may_be_said(rest: Rest, kind: str) -> None:
    body = json.dumps({"type": kind, "name": "é"}, ensure_ascii=False).encode()
    answer = rest.post("/v1/assets", data=body, content_type="application/json; charset=UTF-8")
    assert answer.get_json()["name"] == "é"


def test_a_packed_body_must_be_whole_gzip_within_bounds(rest: Rest, kind: str) -> None:
    packed = gzip.compress(json.dumps({"type": kind}).encode())

    def post(body: bytes, encoding: str) -> Any:
        return rest.post("/v1/assets", data=body, content_type=JSON, headers={"Content-Encoding": encoding})

    assert post(packed, "gzip").status_code == 201
    for garbled in (b"", b"{}", packed[:-3], packed[:-9] + b"123456789", packed + b"x", packed + packed):
        assert_problem(post(garbled, "gzip"), 400, "malformed-json")
    bomb = gzip.compress(b'{"type": "' + b" " * 50_000_000 + b'"}')
    assert len(bomb) < 100_000
    assert_problem(post(bomb, "gzip"), 413, "too-large")
    # Seen before its end, which is missing here.
    assert_problem(post(bomb[:-8], "gzip"), 413, "too-large")
    assert_problem(post(zlib.compress(b"{}"), "deflate"), 415, "unsupported-media-type")
    assert_problem(post(packed, "gzip, gzip"), 415, "unsupported-media-type")


def test_a_body_that_is_too_large_is_refused(rest: Rest) -> None:
    body = json.dumps({"type": "x", "name": "x" * 3_000_000})
    for path in ("/v1/assets", "/v1/types", "/v1/search", "/v1/assets/get"):
        assert_problem(rest.post(path, data=body, content_type=JSON), 413, "too-large")


def test_a_body_in_chunks_is_never_cut_short(rest: Rest, kind: str) -> None:
    def post(body: bytes) -> Any:
        # Without a length, as a server passes on what comes in chunks.
        return rest.post(
            "/v1/assets/bulk",
            input_stream=io.BytesIO(body),
            content_type="application/x-ndjson",
            environ_overrides={"wsgi.input_terminated": True},
        )

    line = json.dumps({"type": kind}).encode() + b"\n"
    assert [item["status"] for item in post(line * 3).get_json()["items"]] == [201] * 3
    most = 16 * 1024 * 1024
    within = line + b" " * (most - 2 * len(line)) + line
    assert len(within) == most
    assert [item["status"] for item in post(within).get_json()["items"]] == [201, 201]
    assert_problem(post(within + b"\n"), 413, "too-large")
    assert_problem(post(within * 2), 413, "too-large")
