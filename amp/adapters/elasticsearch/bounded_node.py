"""Connections to Elasticsearch that stop reading an answer when it exceeds a given size."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from elastic_transport import NodeConfig, Urllib3HttpNode
from urllib3 import HTTPConnectionPool

from amp.errors import TooLarge


@dataclass(slots=True)
class _Bound:
    max_bytes: int
    exceeded: bool = False


_BOUND: ContextVar[_Bound | None] = ContextVar("answer_bound", default=None)


@contextmanager
def answers_up_to(max_bytes: int | None) -> Iterator[None]:
    """Limit the answer to one request of this thread to `max_bytes` bytes; None: no limit.

    :raises TooLarge: the answer was larger.
    """
    bound = None if max_bytes is None else _Bound(max_bytes)
    token = _BOUND.set(bound)
    try:
        yield
    finally:
        _BOUND.reset(token)
    if bound is not None and bound.exceeded:
        raise TooLarge(f"the answer of the search index is larger than {max_bytes} bytes")


class BoundedNode(Urllib3HttpNode):
    """A node that stays healthy when its answer is too large: the driver receives an empty answer instead."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.pool: Any = _BoundedPool(self.pool)


class _BoundedPool:
    """The methods of a connection pool that a node uses."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        self._pool = pool

    def urlopen(self, method: str, url: str, **options: Any) -> Any:
        bound = _BOUND.get()
        if bound is None:
            return self._pool.urlopen(method, url, **options)
        response = self._pool.urlopen(method, url, preload_content=False, **options)
        try:
            data = response.read(bound.max_bytes + 1)
            bound.exceeded = len(data) > bound.max_bytes
            if bound.exceeded:
                response.close()  # closes its connection too, because the rest of the answer is still arriving there
                data = b"{}"
        finally:
            response.release_conn()
        return _Answer(response.status, response.headers, data)

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    data: bytes
