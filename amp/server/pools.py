"""Threads for requests: one bounded pool for each kind, so that a part that hangs holds up its own kind alone."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import parse_qsl

from amp.errors import Overloaded
from amp.server.messages import Request
from amp.settings import Settings

T = TypeVar("T")
_HEALTH_THREADS = 1
#: Readiness and metrics ask every part, and may wait for one that hangs.
_STATUS_THREADS = 2
_ADMIN_THREADS = 4


class Pool:
    """Threads of one kind of request. A request waits a bounded time for one."""

    def __init__(self, kind: str, threads: int, queue_s: float) -> None:
        self._kind = kind
        self._queue_s = queue_s
        self._free = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"request-{kind}")

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which runs in a thread of this pool.

        :raises Overloaded: no thread became free in time; nothing was done.
        """
        if self._free.locked():
            try:
                async with asyncio.timeout(self._queue_s):
                    await self._free.acquire()
            except TimeoutError:
                raise Overloaded(f"all threads for {self._kind} requests are in use; try again later") from None
        else:
            await self._free.acquire()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._free.release()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Pools:
    """The pools of one process, by kind of request."""

    def __init__(self, settings: Settings) -> None:
        threads = {
            "health": _HEALTH_THREADS,
            "status": _STATUS_THREADS,
            "admin": _ADMIN_THREADS,
            "search": settings.search_threads,
            "waiting": settings.waiting_threads,
            "plain": settings.threads,
        }
        self._pools = {kind: Pool(kind, count, settings.queue_timeout_s) for kind, count in threads.items()}

    def pool_for(self, request: Request) -> Pool:
        return self._pools[kind_of(request)]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


def kind_of(request: Request) -> str:
    """The kind of a request, by what it may have to wait for besides the store."""
    match request.path.split(b"/")[1:]:
        case [b"healthz"]:
            return "health"
        case [b"readyz" | b"metrics"]:
            return "status"
        case [b"v1", b"admin", *_]:
            return "admin"
        case [b"v1", b"search"]:
            return "search"
    names = (name for name, _ in parse_qsl(request.query, keep_blank_values=True))
    return "waiting" if "wait_for" in names else "plain"
