"""Writes documents in as few `_bulk` requests as possible and tells how each one went."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.errors import BadQuery, SearchUnavailable, TooLarge
from amp.ports.search_index import Put, PutResult, Written

#: Larger requests gain nothing; servers refuse them at 100 MiB by default, proxies in between earlier.
MAX_REQUEST_BYTES = 8 * 1024 * 1024

_DONE = PutResult(Written.DONE)
_SUPERSEDED = PutResult(Written.SUPERSEDED)


def write(client: ElasticsearchClient, puts: Sequence[Put]) -> list[PutResult]:
    """One result per put, in order."""
    return [result for lines in _requests(puts) for result in _send(client, lines)]


def _requests(puts: Sequence[Put]) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    size = 0
    for put in puts:
        line = _lines(put)
        if lines and size + len(line) > MAX_REQUEST_BYTES:
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines


def _lines(put: Put) -> bytes:
    """The two lines of one item. Neither aliases nor document ids hold anything that JSON escapes."""
    document = put.document
    return b'{"index":{"_index":"%b","_id":"%b","version":%d,"version_type":"external_gte"}}\n%b\n' % (
        put.alias.encode(),
        document.doc_id.encode(),
        document.revision,
        # `source`, the only bytes in it, is kept as a string: it comes back just as it was.
        orjson.dumps(document.body, default=bytes.decode),
    )


def _send(client: ElasticsearchClient, lines: list[bytes]) -> list[PutResult]:
    params = {
        "require_alias": "true",
        "timeout": client.server_timeout,
        "filter_path": "errors,items.index.status,items.index.error.type,items.index.error.reason",
    }
    try:
        answer = client.post("bulk", "/_bulk", b"".join(lines), params=params, ndjson=True)
    except (TooLarge, BadQuery) as e:
        if len(lines) == 1:
            return [PutResult(Written.REJECTED, e.message)]
        # Whichever document it is, the others shall not suffer from it.
        half = len(lines) // 2
        return _send(client, lines[:half]) + _send(client, lines[half:])
    except SearchUnavailable as e:
        return [PutResult(Written.BUSY, e.message)] * len(lines)
    if not answer["errors"]:
        return [_DONE] * len(lines)
    return [_result(item["index"]) for item in answer["items"]]


def _result(item: Mapping[str, Any]) -> PutResult:
    status: int = item["status"]
    if status < 300:
        return _DONE
    if status == 409:
        return _SUPERSEDED
    kind, reason = item["error"]["type"], item["error"]["reason"]
    if status == 404 and kind == "index_not_found_exception":
        return PutResult(Written.STALE, reason)
    if status in (400, 413):
        return PutResult(Written.REJECTED, f"{kind}: {reason}")
    # Blocked, overloaded, without permission, a shard on its way elsewhere: none is the document's fault.
    return PutResult(Written.BUSY, f"{kind}: {reason}")
