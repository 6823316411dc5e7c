"""Generates requests that are small to send and try to be dear to answer, from a random source."""

import gzip
import json
import random
from dataclasses import dataclass

#: Bytes of a body before it is packed: past what single requests may bring, and near what bulk requests may.
SINGLE_BYTES, BULK_BYTES = 2_100_000, 8_000_000
JSON, NDJSON = "application/json", "application/x-ndjson"
#: What is repeated; `#` becomes a number.
_PIECES = (
    "1",
    "12345",
    "-0.5e-300",
    "null",
    "true",
    '""',
    '"a"',
    '"ab"',
    '"label-#"',
    '"\\ud83d\\ude00"',
    '"\U0001f600"',
    "[]",
    "{}",
    "[[]]",
    '{"a":1}',
    '{"k#":#}',
    "[1,2,[3]]",
    '"' + "x" * 900 + '"',
    "1e400",
    "99999999999999999999",
    "NaN",
    '"\\u0000"',
)
_MEMBERS = ('"k#":1', '"k#":null', '"k#":"v"', '"k#":[]', '"k#":{}', '"same":1', '"\\u0000#":1')
_FRAMES = (
    ("POST", "/v1/assets", '{"type":"T","labels":[%s]}'),
    ("POST", "/v1/assets", '{"type":"T","metadata":{"tags":[%s]}}'),
    ("POST", "/v1/assets", '{"type":"T","metadata":{%m}}'),
    ("POST", "/v1/assets", "{%m}"),
    ("POST", "/v1/assets", "[%s]"),
    ("PATCH", "/v1/assets/A", '{"labels":[%s]}'),
    ("PUT", "/v1/assets/by-external-id/p/e", '{"type":"T","metadata":{%m}}'),
    ("POST", "/v1/assets/get", '{"ids":[%s]}'),
    ("POST", "/v1/types", '{"name":"n","fields":{%m}}'),
    ("POST", "/v1/types", '{"name":"n","fields":{"a":{"type":"string","enum":[%s]}}}'),
    ("PUT", "/v1/types/T", '{"fields":{"a":{%m}}}'),
    ("POST", "/v1/search", '{"fields":[%s]}'),
    ("POST", "/v1/search", '{"query":{"field":"metadata.tags","in":[%s]}}'),
    ("POST", "/v1/search", '{"query":{"all":[%s]}}'),
    ("POST", "/v1/search", '{"facets":{%m}}'),
    ("POST", "/v1/search", '{"sort":[%s]}'),
    ("POST", "/v1/admin/jobs", '{"kind":"check","selector":{"ids":[%s]}}'),
    ("POST", "/v1/admin/jobs", '{"kind":"update-metadata","selector":{"all":true},"parameters":{"set":{%m}}}'),
    ("POST", "/v1/admin/dead-letters/discard", '{"ids":[%s]}'),
    ("POST", "/v1/admin/buckets/init", '{"at":[%s],"dry_run":true}'),
)
_ITEMS = (
    '{"type":"T","metadata":{"codec":"none","extra":#}}',
    '{"type":"T","external_id":"same"}',
    '{"type":"T","external_id":"e#","name":"n"}',
    '{"type":"T","id":"A","external_id":"e#"}',
    '{"type":"none"}',
    '{"type":"T","labels":[1,2,3]}',
    '{"type":"T","labels":[' + ",".join(["1"] * 2_500) + "]}",
    '{"type":"T","labels":[' + ",".join(f'"{i}"' for i in range(2_500)) + "]}",
    '{"type":"T","metadata":{"tags":[' + ",".join(['"v999"'] * 1_000) + "]}}",
    "{" + ",".join(f'"k{i}":1' for i in range(2_000)) + "}",
    "[[[[[]]]]]",
    "#",
    "x",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """`T` and `A` in path and body stand for a type and an asset."""

    name: str
    method: str
    path: str
    body: bytes = b""
    media_type: str = JSON
    packed: bool = False

    def sent(self) -> bytes:
        return gzip.compress(self.body, 6) if self.packed else self.body


@dataclass(frozen=True)
class Cost:
    status: int
    answer_bytes: int
    accepted: int  #: items that were taken up one by one, each with an answer of its own
    cpu_s: float
    memory_bytes: int
    text: str  #: the beginning of the answer


def known_requests() -> list[Request]:
    """Those that cost much once."""
    bulk, search = "/v1/assets/bulk", "/v1/search"
    enum = '{"type":"T","metadata":{"codec":"none"}}'
    same = '{"type":"T","external_id":"known"}'
    empty = '{"all":[' * 1_100 + "]}" * 1_100
    wide_in = json.dumps(
        {"query": {"all": [{"field": "name", "in": [f"n{i}-{j}" for j in range(600)]} for i in range(32)]}}
    )
    labels = json.dumps({"type": "T", "labels": [str(i) for i in range(2_500)]})
    return [
        Request(name="too many labels each", method="POST", path=bulk, body=_array(labels, 390)),
        Request(name="messages with enums", method="POST", path=bulk, body=_array(enum, 10_000)),
        Request(name="one external id", method="POST", path=bulk, body=_array(same, 10_000)),
        Request(name="nested arrays", method="POST", path=bulk, body=_array("[]", 5_000_000), packed=True),
        Request(name="nested siblings", method="POST", path=bulk, body=_array("[[[[]],[[]]]]", 500_000), packed=True),
        Request(
            name="900,000 labels",
            method="POST",
            path="/v1/assets",
            packed=True,
            body=b'{"type":"T","labels":' + _array('""', 690_000) + b"}",
        ),
        Request(
            name="130,000 fields", method="POST", path=search, body=b'{"fields":' + _array('"name"', 130_000) + b"}"
        ),
        Request(name="1,100 empty all", method="POST", path=search, body=b'{"query":{"all":[%s]}}' % empty.encode()),
        Request(
            name="many empty all",
            method="POST",
            path=search,
            body=b'{"query":{"all":%s}}' % _array('{"all":[]}', 1_100),
        ),
        Request(
            name="any of empty all",
            method="POST",
            path=search,
            body=b'{"query":{"any":%s}}' % _array('{"all":[]}', 1_100),
        ),
        Request(name="wide in", method="POST", path=search, body=wide_in.encode()),
        Request(name="blank lines", method="POST", path=bulk, body=b"\n" * 15_000_000, media_type=NDJSON, packed=True),
        Request(name="fields in the query", method="GET", path="/v1/assets?fields=" + ",".join(["name"] * 1_500)),
        Request(name="nested text", method="GET", path="/v1/search?q=" + "(" * 500 + "a" + ")" * 500),
        Request(name="long text", method="GET", path="/v1/search?q=" + "a:b%20" * 600),
    ]


def random_request(rng: random.Random) -> Request:
    if rng.random() < 0.3:
        return _bulk_request(rng)
    method, path, frame = rng.choice(_FRAMES)
    members = "%m" in frame
    size = int(SINGLE_BYTES * rng.choice((1, 1, 0.3, 0.03, 0.001)))
    piece = rng.choice(_MEMBERS if members else _PIECES)
    count = min(size // (len(piece.encode()) + 1), rng.choice((10**9, 400_000, 3_000, 999)))
    depth = rng.choice((0, 0, 0, 1, 30, 100_000))
    inner = _repeated(piece, count)
    if depth and not members:
        inner = "[" * depth + inner + "]" * depth
    body = frame.replace("%m", inner).replace("%s", inner)
    if rng.random() < 0.1:
        body = body[: rng.randrange(len(body))]
    name = f"{method} {path} {frame} {piece[:20]} x {count}, depth {depth}"
    return Request(name=name, method=method, path=path, body=body.encode(), packed=rng.random() < 0.5)


def _bulk_request(rng: random.Random) -> Request:
    item = rng.choice(_ITEMS)
    size = int(BULK_BYTES * rng.choice((1, 0.3, 0.03)))
    count = min(size // (len(item) + 1), rng.choice((10_000, 10_000, 10_001, 1_000, 10**9)))
    items = _repeated(item, count)
    lines = rng.random() < 0.3
    body = items.replace("},{", "}\n{").encode() if lines else b"[%s]" % items.encode()
    name = f"bulk of {count} x {item[:40]}{' as lines' if lines else ''}"
    media_type = NDJSON if lines else JSON
    packed = rng.random() < 0.5
    return Request(name=name, method="POST", path="/v1/assets/bulk", body=body, media_type=media_type, packed=packed)


def _array(piece: str, count: int) -> bytes:
    return b"[" + ",".join([piece] * count).encode() + b"]"


def _repeated(piece: str, count: int) -> str:
    if "#" not in piece:
        return ",".join([piece] * count)
    return ",".join(piece.replace("#", str(i)) for i in range(count))
