"""A pool runs what it has threads for, lets a bounded number of requests wait, and refuses the rest."""

import asyncio
import threading

import pytest

from amp.errors import Overloaded
from amp.server.pools import Pool, Pools
from amp.settings import Settings


async def outcomes(queue_s: float, *, release_after: int) -> list[str]:
    """What became of five requests in a pool with one thread where two may wait. The thread is free again once so many
    are refused."""
    pool, free = Pool("search", 1, queue_s, 2), threading.Event()
    refused = 0

    async def ask() -> str:
        nonlocal refused
        try:
            await pool.run(lambda: free.wait(10))
        except Overloaded:
            refused += 1
            if refused == release_after:
                free.set()
            return "refused"
        return "done"

    found = await asyncio.gather(*(ask() for _ in range(5)))
    assert await asyncio.gather(ask()) == ["done"]
    pool.close()
    return sorted(found)


def test_too_many_waiting_requests_are_refused_at_once() -> None:
    assert asyncio.run(outcomes(10, release_after=2)) == ["done"] * 3 + ["refused"] * 2


def test_a_request_waits_for_a_bounded_time() -> None:
    assert asyncio.run(outcomes(0.01, release_after=4)) == ["done"] + ["refused"] * 4


@pytest.mark.parametrize("connections", [1, 100, 2_000])
def test_waiting_requests_take_half_of_the_connections_at_most(connections: int) -> None:
    pools = Pools(Settings(max_connections=connections))
    waiting = [pool._max_waiting for pool in pools._pools.values()]
    assert sum(waiting) <= max(connections // 2, len(waiting))
    pools.close()
