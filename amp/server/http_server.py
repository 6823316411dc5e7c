"""Accepts connections on a listening socket and serves them all on one event loop, until a stop is requested."""

import asyncio
import contextlib
import errno
import resource
import socket
from typing import Any

from amp.errors import Overloaded
from amp.server.buffers import Buffers
from amp.server.connection import Connection, Handler
from amp.server.connections import Connections
from amp.server.messages import HttpLimits

_READ_BUFFER_BYTES = 64 * 1024
_BACKLOG = 2048
#: Number of open files besides connections: those of the store, the drivers and the logs.
_OTHER_FILES = 1024


class HttpServer:
    """The HTTP server of one process."""

    def __init__(self, handler: Handler, limits: HttpLimits) -> None:
        self._handler = handler
        self._limits = limits
        self._buffers = Buffers(limits.buffered_bytes)
        self._connections = Connections(limits.connections)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, listener: socket.socket, stop: asyncio.Event, grace_s: float) -> None:
        """Serve until `stop` is set. Then let requests in progress finish for up to `grace_s` seconds."""
        _allow_files(self._limits.connections + _OTHER_FILES)
        server = await asyncio.start_server(
            self._serve, sock=listener, limit=_READ_BUFFER_BYTES, backlog=_BACKLOG, start_serving=False
        )
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: _handle_loop_error(server, listener, loop, context)
        )
        await server.start_serving()
        await stop.wait()
        server.close()
        for connection in self._connections:
            connection.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for connection in self._connections:
            connection.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._handler, self._limits, self._buffers, self._connections.enter)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._connections.add(connection):
                await connection.serve()
            else:
                await connection.turn_away(Overloaded("all connections are in use; try again later"))
        finally:
            self._connections.remove(connection)
            self._tasks.discard(task)


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _handle_loop_error(
    server: asyncio.Server, listener: socket.socket, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
) -> None:
    error = context.get("exception")
    # The parent shuts the listening socket down before it signals this process to stop. Then `accept` fails.
    if isinstance(error, OSError) and error.errno == errno.EINVAL and _is_shut_down(listener):
        server.close()
        return
    loop.default_exception_handler(context)


def _is_shut_down(listener: socket.socket) -> bool:
    return listener.fileno() >= 0 and not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
