"""What goes wrong in the server's process and at its start stays where it is."""

import asyncio
import errno
import socket
from pathlib import Path

from amp.errors import AmpError
from amp.server.http_server import HttpServer
from amp.server.messages import HttpLimits, HttpRequest, HttpResponse
from amp.server.processes import banner
from amp.settings import Settings

_LIMITS = HttpLimits(
    head_s=5.0, body_s=5.0, answer_s=5.0, idle_s=5.0, body_bytes=1000, connections=10, buffered_bytes=1000
)  # fmt: skip


class Handler:
    async def answer(self, _request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, reason="OK", headers=((b"content-length", b"0"),), body=b"")

    def refuse(self, error: Exception) -> HttpResponse:
        raise AmpError(str(error))


async def status_after_error(path: Path, error: Exception) -> bytes:
    """The status of a request after `error` was raised in the event loop."""
    stop, reported = asyncio.Event(), asyncio.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        running = asyncio.create_task(HttpServer(Handler(), _LIMITS).run(listener, stop, 1.0))
        while not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            await asyncio.sleep(0.001)

        def fail() -> None:
            reported.set()
            raise error

        asyncio.get_running_loop().call_soon(fail)
        await reported.wait()
        await asyncio.sleep(0)
        try:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
            writer.close()
        finally:
            stop.set()
            await running
        return line.split()[1]


def test_an_invalid_argument_somewhere_does_not_close_the_listener(tmp_path: Path) -> None:
    error = OSError(errno.EINVAL, "of something else")
    assert asyncio.run(asyncio.wait_for(status_after_error(tmp_path / "socket", error), 10)) == b"200"


def test_the_line_that_says_where_the_server_is_obeys_no_control_character(tmp_path: Path) -> None:
    line = banner(Settings(data_dir=tmp_path / "a\x1b[2J\nb"), "http://127.0.0.1:1")
    assert line.isprintable()
    assert "a\\x1b[2J\\nb" in line
