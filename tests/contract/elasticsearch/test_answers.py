"""What the search index makes of a server that is away, hangs, or refuses whole requests. Needs no real server."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.component import ElasticsearchComponent
from amp.adapters.elasticsearch.search_index import ElasticsearchSearchIndex
from amp.domain.criteria import EVERYTHING, IndexQuery
from amp.domain.documents import Position
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import RawDocument, TimeRange
from amp.ports.bucket_indices import AliasChange
from amp.ports.search_index import Put, PutResult, WriteStatus
from amp.settings import load_settings
from tests.support.search.profiles import asset, head

#: Status and body for the lines of a bulk.
Answer = Callable[[list[bytes]], tuple[int, object]]


def client_of(address: tuple[str, int], timeout_s: float = 1.0) -> ElasticsearchClient:
    url = f"http://{address[0]}:{address[1]}"
    return ElasticsearchClient(load_settings({"elasticsearch_url": url, "elasticsearch_timeout_s": timeout_s}))


def puts(count: int, **given: object) -> list[Put]:
    return [Put("amp-a-1-w1", head(asset(str(n), **given))) for n in range(count)]  # type: ignore[arg-type]


@pytest.fixture(name="away")
def make_away() -> Iterator[ElasticsearchClient]:
    """A client of an address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = client_of(free.getsockname())
        yield client
        client.close()


def test_without_the_server_writes_are_busy_and_all_else_is_unavailable(away: ElasticsearchClient) -> None:
    index, indices, part = (
        ElasticsearchSearchIndex(away),
        ElasticsearchBucketIndices(away),
        ElasticsearchComponent(away),
    )
    documents, raw = ElasticsearchBucketDocuments(away), RawDocument(Position(0, "a", 1, 1), b"{}")
    assert [result.status for result in index.put(puts(3))] == [WriteStatus.BUSY] * 3
    assert [result.status for result in documents.put("amp-a-1-w1", [raw])] == [WriteStatus.BUSY]
    assert [result.status for result in documents.delete("amp-a-1-w1", [raw])] == [WriteStatus.BUSY]
    for call in (
        lambda: index.search(IndexQuery(criteria=EVERYTHING)),
        lambda: index.visible([asset().id], "s"),
        lambda: indices.create("amp-a-1"),
        lambda: indices.drop("amp-a-1"),
        lambda: indices.change_aliases(AliasChange(remove_read=("amp-a-1",))),
        lambda: indices.block("amp-a-1"),
        lambda: indices.unblock("amp-a-1"),
        lambda: indices.refresh(["amp-a-1"]),
        lambda: indices.serve("amp-a-1", 1),
        lambda: indices.reclaim("amp-a-1"),
        indices.info,
        lambda: documents.mark("amp-a-1"),
        lambda: documents.page("amp-a-1", TimeRange(0), limit=1),
        lambda: documents.revisions("amp-a-1", ["a"]),
        lambda: documents.slices("amp-a-1", TimeRange(0), 1_000),
        lambda: documents.count("amp-a-1", TimeRange(0)),
        lambda: documents.median_created_ms("amp-a-1", TimeRange(0)),
        part.ping,
        part.pending,
        part.migrate,
    ):
        with pytest.raises(SearchUnavailable):
            call()


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = client_of(listener.getsockname())
        started = time.monotonic()
        assert ElasticsearchSearchIndex(client).put(puts(1))[0].status is WriteStatus.BUSY
        with pytest.raises(SearchUnavailable):
            ElasticsearchSearchIndex(client).search(IndexQuery(criteria=EVERYTHING, timeout_s=0.5))
        assert time.monotonic() - started < 5
        client.close()


@contextmanager
def server(answer: Answer) -> Iterator[ElasticsearchSearchIndex]:
    """A search index whose server answers every bulk as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
            status, body = answer(lines)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.send_header("x-elastic-product", "Elasticsearch")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=[0.01])
    thread.start()
    client = client_of(listening.server_address[:2])  # type: ignore[arg-type]
    try:
        yield ElasticsearchSearchIndex(client)
    finally:
        client.close()
        listening.shutdown()
        thread.join()
        listening.server_close()


def error(status: int, kind: str = "some_exception") -> dict[str, object]:
    return {"status": status, "error": {"type": kind, "reason": "because"}}


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_request_is_halved_until_only_the_cause_is_rejected(status: int) -> None:
    sizes = []

    def refuse_seven(lines: list[bytes]) -> tuple[int, object]:
        sizes.append(len(lines) // 2)
        at_fault = any(b'"name":"7"' in line for line in lines)
        return (status, error(status)) if at_fault else (200, {"errors": False})

    with server(refuse_seven) as index:
        results = index.put(puts(10))
    assert [n for n, result in enumerate(results) if result.status is WriteStatus.REJECTED] == [7]
    assert {result.status for n, result in enumerate(results) if n != 7} == {WriteStatus.DONE}
    assert sizes[0] == 10


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504])
def test_a_request_refused_whole_for_no_fault_of_its_documents_is_busy(status: int) -> None:
    with server(lambda _: (status, error(status))) as index:
        assert [result.status for result in index.put(puts(2))] == [WriteStatus.BUSY] * 2


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"status": 201}, WriteStatus.DONE),
        (error(409, "version_conflict_engine_exception"), WriteStatus.SUPERSEDED),
        (error(404, "index_not_found_exception"), WriteStatus.STALE),
        (error(404, "shard_not_found_exception"), WriteStatus.BUSY),
        (error(403, "cluster_block_exception"), WriteStatus.BUSY),
        (error(429, "es_rejected_execution_exception"), WriteStatus.BUSY),
        (error(500), WriteStatus.BUSY),
        (error(503, "unavailable_shards_exception"), WriteStatus.BUSY),
        (error(400, "document_parsing_exception"), WriteStatus.REJECTED),
    ],
)
def test_each_item_is_judged_by_itself(item: dict[str, object], expected: WriteStatus) -> None:
    answer = {"errors": True, "items": [{"index": {"status": 200}}, {"index": item}]}
    with server(lambda _: (200, answer)) as index:
        done, judged = index.put(puts(2))
    assert done == PutResult(WriteStatus.DONE)
    assert judged.status is expected
    assert bool(judged.reason) == (expected not in (WriteStatus.DONE, WriteStatus.SUPERSEDED))


def test_requests_stay_small_and_none_is_empty() -> None:
    sizes = []

    def accept(lines: list[bytes]) -> tuple[int, object]:
        sizes.append(sum(map(len, lines)))
        return 200, {"errors": False}

    with server(accept) as index:
        results = index.put(puts(20, metadata={"synopsis": "x" * 500_000}))
    assert [result.status for result in results] == [WriteStatus.DONE] * 20
    assert 3 <= len(sizes) <= 8
    assert all(0 < size <= 8 * 1024 * 1024 for size in sizes)
