"""Threads for requests: one bounded pool per kind, so that a component that hangs delays only its own kind."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import parse_qsl

from amp.errors import Overloaded
from amp.server.messages import HttpRequest
from amp.settings import Settings

T = TypeVar("T")
_HEALTH_THREADS = 1
#: More than one, because a readiness check pings every component and may wait for one that hangs.
_READINESS_THREADS = 2
_METRICS_THREADS = 1
_ADMIN_THREADS = 4


class Pool:
    """Threads for one kind of request. A limited number of requests may wait for a thread, each for a limited time."""

    def __init__(self, kind: str, threads: int, queue_s: float, max_waiting: int) -> None:
        self._kind = kind
        self._queue_s = queue_s
        self._max_waiting = max_waiting
        self._waiting = 0
        self._free = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"request-{kind}")

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread of this pool and return its result.

        :raises Overloaded: no thread became free in time, or too many requests wait for one. `work` was not run.
        """
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._max_waiting:
            raise self._overloaded()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._queue_s):
                await self._free.acquire()
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            self._waiting -= 1

    def _overloaded(self) -> Overloaded:
        return Overloaded(f"all threads for {self._kind} requests are in use; try again later")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Pools:
    """The pools of one process, by kind of request."""

    def __init__(self, settings: Settings) -> None:
        threads = {
            "health": _HEALTH_THREADS,
            "readiness": _READINESS_THREADS,
            "metrics": _METRICS_THREADS,
            "admin": _ADMIN_THREADS,
            "search": settings.search_threads,
            "waiting": settings.waiting_threads,
            "plain": settings.threads,
        }
        # All waiting requests together may use half of the connections, so that no kind keeps the others out.
        max_waiting = max(1, settings.max_connections // (2 * len(threads)))
        self._pools = {
            kind: Pool(kind, count, settings.queue_timeout_s, max_waiting) for kind, count in threads.items()
        }

    def pool_for(self, request: HttpRequest) -> Pool:
        return self._pools[kind_of(request)]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


def kind_of(request: HttpRequest) -> str:
    """Return the kind of a request, which depends on what it may have to wait for besides the store."""
    match request.path.split(b"/")[1:]:
        case [b"healthz"]:
            return "health"
        case [b"readyz"]:
            return "readiness"
        case [b"metrics"]:
            return "metrics"
        case [b"v1", b"admin", *_]:
            return "admin"
        case [b"v1", b"search"]:
            return "search"
    names = (name for name, _ in parse_qsl(request.query, keep_blank_values=True))
    return "waiting" if "wait_for" in names else "plain"
