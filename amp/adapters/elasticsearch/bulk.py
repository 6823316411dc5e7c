"""Writes and deletes documents in as few `_bulk` requests as possible, with one result per document."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.request_size import RequestSize
from amp.domain.documents import IndexedDocument
from amp.errors import BadQuery, SearchUnavailable, TooLarge
from amp.ports.search_index import PutResult, WriteStatus

_DONE = PutResult(WriteStatus.DONE)
_SUPERSEDED = PutResult(WriteStatus.SUPERSEDED)


def put_item(alias: str, doc_id: str, revision: int, body: bytes) -> bytes:
    """Return the two lines that write a document. Aliases and document ids contain no characters that JSON escapes."""
    return b'{"index":{"_index":"%b","_id":"%b","version":%d,"version_type":"external_gte"}}\n%b\n' % (
        alias.encode(),
        doc_id.encode(),
        revision,
        body,
    )


def body_of(document: IndexedDocument) -> bytes:
    """Return the document's JSON."""
    return orjson.dumps(document.body, default=bytes.decode)


def delete_item(alias: str, doc_id: str, revision: int) -> bytes:
    """Return the line that removes a document. Elasticsearch ignores `require_alias` for it, so only the index template
    prevents a delete through a stale alias from creating an index of that name.
    """
    return b'{"delete":{"_index":"%b","_id":"%b","version":%d,"version_type":"external_gte"}}\n' % (
        alias.encode(),
        doc_id.encode(),
        revision,
    )


def write(client: ElasticsearchClient, items: Iterable[bytes]) -> list[PutResult]:
    """Send these items. Return one result per item, in order. After a request without an answer, the others are not
    sent, and their items have the same result: callers decide when to try again.
    """
    return _send_all(client, _requests(items, client.request_size))


def _requests(items: Iterable[bytes], limit: RequestSize) -> Iterator[list[bytes]]:
    request: list[bytes] = []
    size = 0
    for item in items:
        if request and size + len(item) > limit.max_bytes:
            yield request
            request, size = [], 0
        request.append(item)
        size += len(item)
    if request:
        yield request


def _send_all(client: ElasticsearchClient, requests: Iterable[list[bytes]]) -> list[PutResult]:
    results: list[PutResult] = []
    for request in requests:
        is_answering = not results or results[-1].answered
        results += _send(client, request) if is_answering else [results[-1]] * len(request)
    return results


def _send(client: ElasticsearchClient, items: list[bytes]) -> list[PutResult]:
    params = {
        "require_alias": "true",
        "timeout": client.server_timeout,
        "filter_path": "errors,items.*.status,items.*.error.type,items.*.error.reason",
    }
    body = b"".join(items)
    began_s = time.monotonic()
    try:
        answer = client.write("bulk", "/_bulk", body, params=params)
    except (TooLarge, BadQuery) as e:
        if isinstance(e, TooLarge):
            client.request_size.unwanted(len(body))
        if len(items) == 1:
            return [PutResult(WriteStatus.REJECTED, e.message)]
        # Split the request to find the rejected document and write the others.
        half = len(items) // 2
        return _send_all(client, (items[:half], items[half:]))
    except SearchUnavailable as e:
        client.request_size.unwanted(len(body))
        return [PutResult(WriteStatus.BUSY, e.message, answered=False)] * len(items)
    took_s = time.monotonic() - began_s
    if answer["errors"]:
        results = [_result(result) for item in answer["items"] for result in item.values()]
    else:
        results = [_DONE] * len(items)
    # An overloaded server refuses documents, and that fast.
    if not any(result.status is WriteStatus.BUSY for result in results):
        client.request_size.answered(len(body), took_s)
    return results


def _result(item: Mapping[str, Any]) -> PutResult:
    status: int = item["status"]
    if status < 300 or "error" not in item:
        # Status 404 without an error: the document to delete did not exist.
        return _DONE
    if status == 409:
        return _SUPERSEDED
    kind, reason = item["error"]["type"], item["error"]["reason"]
    if status == 404 and kind == "index_not_found_exception":
        return PutResult(WriteStatus.STALE, reason)
    if status in (400, 413):
        return PutResult(WriteStatus.REJECTED, f"{kind}: {reason}")
    # The index is blocked or overloaded, permission is missing, or a shard is moving: not the document's fault.
    return PutResult(WriteStatus.BUSY, f"{kind}: {reason}")
