"""Raw HTTP: what is not valid gets a problem of 4xx, changes nothing, and costs no other client anything."""

import json
import random
import uuid

import httpx
import pytest

from tests.hostile.clients import Reply, Target
from tests.hostile.sizes import count, seeded

_HOST = b"Host: 127.0.0.1\r\n"
_JSON = b"Content-Type: application/json\r\n"
_POST = b"POST /v1/assets HTTP/1.1\r\n" + _HOST + _JSON
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_GET = b"GET /healthz HTTP/1.1\r\n" + _HOST


@pytest.fixture(scope="module")
def kind(target: Target) -> str:
    name = f"clip-{uuid.uuid4().hex[:12]}"
    httpx.post(f"{target.url}/v1/types", json={"name": name, "fields": {}}).raise_for_status()
    return name


def assert_problem(reply: Reply, *statuses: int) -> None:
    assert reply.status in statuses, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert json.loads(reply.body)["status"] == reply.status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /healthz\r\n\r\n", 400),
        (b"GET  /healthz HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/2.0\r\n" + _HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (_GET + b"Host: other\r\n\r\n", 400),
        (_GET + b"Bad Name: x\r\n\r\n", 400),
        (_GET + b"No-Colon\r\n\r\n", 400),
        (_GET + b"X: a\x00b\r\n\r\n", 400),
        (b"GET healthz HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
        (b"CONNECT x:443 HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
        (b"GET /healthz#x HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n", 414),
        (_GET + b"X: " + b"x" * 200_000 + b"\r\n\r\n", 431),
        (_POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (_POST + b"Content-Length: -1\r\n\r\n", 400),
        (_POST + b"Content-Length: +2\r\n\r\n{}", 400),
        (_POST + b"Content-Length: 0x2\r\n\r\n{}", 400),
        (_POST + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (_POST + b"Content-Length: 17000000\r\n\r\n", 413),
        (_POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (_POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (_POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/assets HTTP/1.0\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (_POST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417),
        (_CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400),
        (_CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", 400),
        (_CHUNKED + b"\r\n{}\r\n0\r\n\r\n", 400),
        (_CHUNKED + b"2\r\n{}xx0\r\n\r\n", 400),
        (_CHUNKED + b"fffffffffffffffffffffff\r\n{}", 400),
        (_CHUNKED + b"1\r\n{\r\n" * 20_000, 400),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else str(value),
)
def test_what_is_not_valid_http_is_a_problem(target: Target, sent: bytes, status: int) -> None:
    (reply,) = target.send(sent, then_close=True)
    assert_problem(reply, status)


def test_a_body_shorter_than_announced_is_refused_and_nothing_done(target: Target, kind: str) -> None:
    name = uuid.uuid4().hex
    body = json.dumps({"type": kind, "external_id": name}).encode()
    for head in (
        _POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 1),
        _POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 1_000_000),
        _CHUNKED + b"%x\r\n" % (len(body) + 10),
        _CHUNKED + b"%x\r\n" % len(body),
    ):
        (reply,) = target.send(head + body, then_close=True)
        assert_problem(reply, 400)
    found = httpx.get(f"{target.url}/v1/assets", params={"external_id": name})
    assert (found.status_code, found.json()["items"]) == (200, [])


def test_a_request_before_a_half_close_is_answered(target: Target) -> None:
    (reply,) = target.send(_GET + b"\r\n", then_close=True)
    assert reply.status == 200
    (reply,) = target.send(b"GET http://127.0.0.1/healthz HTTP/1.1\r\n" + _HOST + b"\r\n", then_close=True)
    assert reply.status == 200
    (reply,) = target.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert reply.status == 200


def test_pipelined_requests_are_answered_in_order_up_to_the_first_bad_one(target: Target) -> None:
    missing = b"GET /v1/nothing HTTP/1.1\r\n" + _HOST + b"\r\n"
    found = target.send((_GET + b"\r\n" + missing) * 20 + b"GARBAGE\r\n\r\n" + _GET + b"\r\n")
    assert [reply.status for reply in found] == [200, 404] * 20 + [400]


def test_continue_is_sent_when_it_is_waited_for(target: Target, kind: str) -> None:
    body = json.dumps({"type": kind}).encode()
    with target.connect() as client:
        client.sendall(_POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(1000).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "path",
    ["//v1/admin/buckets", "///v1/admin/buckets", "/%2fv1/admin/buckets", "/%2F/v1/admin/buckets", "//evil.example/"],
)
def test_a_path_has_one_form(target: Target, path: str) -> None:
    (reply,) = target.send(f"GET {path} HTTP/1.1\r\n".encode() + _HOST + b"Connection: close\r\n\r\n")
    assert_problem(reply, 404)


@pytest.mark.parametrize(
    "header",
    ["SCRIPT_NAME: /v1", "Script-Name: //evil.example", "PATH_INFO: /", "X-Forwarded-Prefix: //evil.example",
     "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"],
)  # fmt: skip
def test_headers_of_forwarders_change_nothing(target: Target, header: str) -> None:
    for path, status in (("/", 302), ("/v1/admin/buckets", 200), ("/v1/nothing", 404)):
        request = f"GET {path} HTTP/1.1\r\n{header}\r\nConnection: close\r\n".encode() + _HOST + b"\r\n"
        (reply,) = target.send(request)
        assert reply.status == status
        assert "evil" not in reply.headers.get("location", "")
        assert b"evil" not in reply.body


def test_a_name_with_an_underscore_is_not_one_with_a_dash(target: Target, kind: str) -> None:
    body = json.dumps({"type": kind}).encode()
    head = _POST + b"AMP_Principal: mallory\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    (reply,) = target.send(head + body)
    assert json.loads(reply.body)["created_by"] == "anonymous"


def test_mutated_requests_never_meet_a_5xx(target: Target, kind: str) -> None:
    draw = seeded()
    body = json.dumps({"type": kind, "name": "x"}).encode()
    seeds = [
        _GET + b"Connection: close\r\n\r\n",
        _POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        _CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        + b"%x\r\n" % len(body)
        + body
        + b"\r\n0\r\n\r\n",
    ]
    for _ in range(count(60, 5_000)):
        sent = _mutated(draw, draw.choice(seeds))
        for reply in target.send(sent, then_close=True):
            assert 200 <= reply.status < 500, sent
            if reply.status >= 400:
                assert reply.headers["content-type"] == "application/problem+json", sent
    assert target.healthz_s() < 1


def _mutated(draw: random.Random, data: bytes) -> bytes:
    """A few bytes of it changed, dropped, doubled or moved."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed))
        match draw.randrange(5):
            case 0:
                changed[at] = draw.randrange(256)
            case 1:
                del changed[at : at + draw.randint(1, 5)]
            case 2:
                changed[at:at] = changed[at : at + draw.randint(1, 30)]
            case 3:
                changed[at:at] = draw.choice([b"\r\n", b"\0", b"\n", b" ", b":", b"\xff", b"\r\n\r\n", b"0\r\n\r\n"])
            case 4:
                del changed[at:]
        if not changed:
            return data[:1]
    return bytes(changed)
