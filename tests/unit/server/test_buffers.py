"""Whole requests count in the memory of the server until their answers exist, and are never ended to make room."""

import asyncio
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from amp.errors import AmpError, Overloaded
from amp.server.buffers import Buffers
from amp.server.http_server import HttpServer
from amp.server.messages import HttpLimits, HttpRequest, HttpResponse

_BODY = b"x" * 100_000
_POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
_DEADLINE_S = 10.0


def limits(buffered_bytes: int) -> HttpLimits:
    return HttpLimits(
        head_s=5.0, body_s=5.0, answer_s=5.0, idle_s=5.0,
        body_bytes=1_000_000, connections=50, buffered_bytes=buffered_bytes,
    )  # fmt: skip


def answer(status: int) -> HttpResponse:
    return HttpResponse(status=status, reason="", headers=((b"content-length", b"0"),), body=b"")


class AllThreadsBusy:
    """Answers once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.waiting = 0

    async def answer(self, _request: HttpRequest) -> HttpResponse:
        self.waiting += 1
        await self.may.wait()
        return answer(200)

    def refuse(self, error: Exception) -> HttpResponse:
        return answer(503 if isinstance(error, Overloaded) else 400 if isinstance(error, AmpError) else 500)


async def statuses(path: Path, buffered_bytes: int, requests: int, waiting: int) -> list[bytes]:
    """The status of each of these requests, which all arrive before the handler may answer one."""
    handler, stop = AllThreadsBusy(), asyncio.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path / "socket"))
        running = asyncio.create_task(HttpServer(handler, limits(buffered_bytes)).run(listener, stop, 1.0))

        async def status() -> bytes:
            reader, writer = await asyncio.open_unix_connection(path / "socket")
            writer.write(_POST)
            line = await reader.readline()
            writer.close()
            return line.split()[1]

        calls = [asyncio.create_task(status()) for _ in range(requests)]
        while handler.waiting + sum(call.done() for call in calls) < requests:
            await asyncio.sleep(0.005)
        assert handler.waiting == waiting
        handler.may.set()
        found = await asyncio.gather(*calls)
        assert await status() == b"200"  # what was held is free again
        stop.set()
        await running
        return found


def run(work: Coroutine[Any, Any, list[bytes]]) -> list[bytes]:
    return asyncio.run(asyncio.wait_for(work, _DEADLINE_S))


def test_bodies_that_wait_for_a_thread_count_and_later_ones_get_503(tmp_path: Path) -> None:
    found = run(statuses(tmp_path, 6 * len(_BODY), requests=5, waiting=3))
    assert sorted(found) == [b"200"] * 3 + [b"503"] * 2


def test_one_body_is_taken_however_small_the_limit_is(tmp_path: Path) -> None:
    assert run(statuses(tmp_path, 1, requests=1, waiting=1)) == [b"200"]


class Holder:
    def __init__(self, client: str, ended: list["Holder"]) -> None:
        self.client = client
        self._ended = ended

    def end(self) -> None:
        self._ended.append(self)


def test_whole_requests_are_not_ended_to_make_room() -> None:
    ended: list[Holder] = []
    buffers, first, second, third = Buffers(100), Holder("a", ended), Holder("a", ended), Holder("a", ended)
    buffers.hold(first, 50)
    buffers.keep(first, 50)
    buffers.hold(second, 40)
    buffers.hold(third, 40)
    assert ended == [second]
    with pytest.raises(Overloaded):
        buffers.keep(third, 40)
    buffers.release(first)
    buffers.keep(third, 100)
    assert ended == [second]


def test_the_client_whose_transfers_hold_most_makes_room() -> None:
    ended: list[Holder] = []
    buffers, quiet, greedy = Buffers(100), Holder("a", ended), [Holder("b", ended) for _ in range(4)]
    buffers.hold(quiet, 30)
    for holder in greedy:
        buffers.hold(holder, 25)
    assert ended == greedy[:2]
    buffers.release(quiet)
    buffers.hold(quiet, 50)
    assert ended == greedy[:2]
