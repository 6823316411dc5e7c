"""How documents are divided into bulk requests: in fewer and larger ones the faster the server answers."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from amp.adapters.elasticsearch import bulk
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.request_size import MAX_REQUEST_BYTES, RequestSize
from amp.errors import SearchUnavailable, TooLarge
from amp.ports.search_index import WriteStatus

_TIMEOUT_S = 10.0
_KIB = 1024


class _Server:
    """Needs time for each byte; what would take longer than the timeout, it does without an answer."""

    server_timeout = "8s"

    def __init__(self, bytes_per_s: float) -> None:
        self.bytes_per_s = bytes_per_s
        self.request_size = RequestSize(_TIMEOUT_S)
        self.now_s = 0.0
        self.max_bytes = 100 * _KIB * _KIB
        self.is_overloaded = False
        self.requests: list[int] = []

    def write(self, _action: str, _path: str, body: bytes, *, params: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        self.requests.append(len(body))
        if len(body) > self.max_bytes:
            raise TooLarge("bulk: the request is too large")
        if self.is_overloaded:
            error = {"type": "es_rejected_execution_exception", "reason": "the queue is full"}
            return {"errors": True, "items": [{"index": {"status": 429, "error": error}}] * (len(body) // _KIB)}
        took_s = len(body) / self.bytes_per_s
        self.now_s += min(took_s, _TIMEOUT_S)
        if took_s > _TIMEOUT_S:
            raise SearchUnavailable("bulk: the search index does not answer (ConnectionTimeout)")
        return {"errors": False}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> _Server:
    made = _Server(bytes_per_s=50_000_000)
    monkeypatch.setattr(bulk.time, "monotonic", lambda: made.now_s)
    return made


def _write(server: _Server, count: int, size: int = _KIB) -> int:
    """Return how many of so many documents were written."""
    results = bulk.write(cast(ElasticsearchClient, server), [b"x" * size] * count)
    assert len(results) == count
    return sum(result.status is WriteStatus.DONE for result in results)


def test_requests_have_the_largest_size_while_the_server_is_fast(server: _Server) -> None:
    assert _write(server, 20_000) == 20_000
    assert server.requests == [MAX_REQUEST_BYTES, MAX_REQUEST_BYTES, 20_000 * _KIB - 2 * MAX_REQUEST_BYTES]


def test_a_busy_server_is_sent_smaller_requests_until_it_answers_in_time(server: _Server) -> None:
    server.bytes_per_s = 60 * _KIB  # 600 KiB until the timeout
    left, attempts = 1000, 0
    while left:
        left -= _write(server, left)
        attempts += 1
        assert attempts <= 3
    # 1000 KiB got no answer, 500 KiB a slow one.
    assert server.requests[:3] == [1000 * _KIB, 500 * _KIB, 250 * _KIB]
    assert max(server.requests[3:]) <= 500 * _KIB
    server.requests.clear()
    assert _write(server, 1000) == 1000, "the next documents do not wait for a timeout first"


def test_requests_grow_again_once_the_server_is_fast_again(server: _Server) -> None:
    server.bytes_per_s = 1
    for _ in range(6):
        assert _write(server, 300) == 0
    assert server.requests[-1] == 32 * _KIB
    server.bytes_per_s = 50_000_000
    assert _write(server, 40_000) == 40_000
    assert max(server.requests) == MAX_REQUEST_BYTES


def test_nothing_more_is_sent_to_a_server_that_does_not_answer(server: _Server) -> None:
    server.bytes_per_s = 1
    assert _write(server, 20_000) == 0
    assert server.requests == [MAX_REQUEST_BYTES]
    assert server.now_s == _TIMEOUT_S


def test_nothing_more_is_sent_of_a_divided_request_that_gets_no_answer(server: _Server) -> None:
    server.max_bytes = 600 * _KIB
    server.bytes_per_s = 1
    assert _write(server, 1000) == 0
    assert server.requests == [1000 * _KIB, 500 * _KIB]


def test_what_a_proxy_refuses_as_too_large_is_not_sent_again_and_again(server: _Server) -> None:
    server.max_bytes = 1000 * _KIB
    assert _write(server, 4000) == 4000
    assert sum(size > server.max_bytes for size in server.requests) <= 3


def test_an_overloaded_server_is_not_sent_larger_requests(server: _Server) -> None:
    server.bytes_per_s = 1
    assert _write(server, 300) == 0
    at_most = server.request_size.max_bytes
    server.is_overloaded = True
    assert _write(server, 300) == 0
    assert server.request_size.max_bytes == at_most


def test_small_requests_do_not_shrink_because_they_fail(server: _Server) -> None:
    server.bytes_per_s = 1
    assert _write(server, 20) == 0
    assert server.request_size.max_bytes == MAX_REQUEST_BYTES


def test_requests_grow_a_little_while_the_server_is_neither_fast_nor_slow() -> None:
    request_size = RequestSize(_TIMEOUT_S)
    request_size.unwanted(64 * _KIB)
    for _ in range(60):
        request_size.answered(request_size.max_bytes, 0.3 * _TIMEOUT_S)
    assert request_size.max_bytes == MAX_REQUEST_BYTES


def test_small_requests_say_nothing_of_larger_ones(server: _Server) -> None:
    server.bytes_per_s = 1
    assert _write(server, 300) == 0
    at_most = server.request_size.max_bytes
    server.bytes_per_s = 50_000_000
    for _ in range(20):
        assert _write(server, 1) == 1
    assert server.request_size.max_bytes == at_most
