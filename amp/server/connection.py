"""The connection of one client: reads its requests one after the other and writes a response to each."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Protocol

import h11
import structlog

from amp.errors import AmpError
from amp.server.answer_head import head_of
from amp.server.buffers import Buffers
from amp.server.messages import HttpLimits, HttpRequest, HttpResponse
from amp.server.request_reader import MIN_BYTES_PER_S, RequestReader

_log = structlog.get_logger(__name__)
_PIECE_BYTES = 64 * 1024
#: Bodies and responses up to this size are not counted in `Buffers`, because the number of connections limits them.
_UNCOUNTED_BYTES = 64 * 1024
#: How long and how much a refused client may continue to send before the connection is closed.
_LINGER_S = 2.0
_LINGER_BYTES = 32 * 1024 * 1024


class ConnectionPhase(Enum):
    """The state of a connection."""

    LINGER = "linger"  #: was refused, and is closed once its client has had time to read the response
    IDLE = "idle"  #: waits for the head of a request
    TRANSFER = "transfer"  #: waits for its client to send a body or to read a response
    WORK = "work"  #: waits for nothing from its client


class Handler(Protocol):
    """Produces the responses to requests."""

    def answer(self, request: HttpRequest) -> Awaitable[HttpResponse]:
        """Return the response to a complete request."""

    def refuse(self, error: Exception) -> HttpResponse:
        """Return the response to a request that `answer` did not process."""


class Connection:
    """The server's side of a connection. It is closed when the client closes it, after the first request that cannot be
    read, or, after `stop`, when the request in progress has its response.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handler: Handler,
        limits: HttpLimits,
        buffers: Buffers,
        enter: Callable[["Connection", ConnectionPhase], None],
    ) -> None:
        """:param enter: is called with each phase that the connection enters."""
        #: The address of the client; "" if it has none.
        self.client = _host(writer.get_extra_info("peername"))
        self._writer = writer
        self._handler = handler
        self._limits = limits
        self._buffers = buffers
        self._enter = enter
        self._requests = RequestReader(reader, writer, limits, self._note_arrival)
        self._is_idle = False
        self._is_stopping = False
        # `drain` returns only when the kernel has the whole response, so that all of it counts until then.
        writer.transport.set_write_buffer_limits(high=0)

    async def serve(self) -> None:
        """Read and answer requests until the connection ends."""
        idle_s = self._limits.head_s
        try:
            while await self._exchange(idle_s):
                idle_s = self._limits.idle_s
        except OSError:  # the client has disconnected or is too slow
            self.end()
        except Exception:  # noqa: BLE001 - an error of one connection must not affect the others
            _log.exception("connection failed", action="connection_failed")
            self.end()
        finally:
            self._writer.close()

    async def turn_away(self, error: AmpError) -> None:
        """Write the response to `error` without reading a request, then close the connection."""
        with contextlib.suppress(OSError):
            await self._write(self._handler.refuse(error), True)
        self._writer.close()

    def stop(self) -> None:
        """Close the connection after the request in progress, or at once if there is none."""
        self._is_stopping = True
        if self._is_idle:
            self.end()

    def end(self) -> None:
        """Close the connection at once, even during a request."""
        self._writer.transport.abort()

    async def _exchange(self, idle_s: float) -> bool:
        """Read a request and write its response. Return whether another request may follow."""
        try:
            self._set_idle(True)
            head = await self._requests.read_head(idle_s)
            self._set_idle(False)
            if head is None:
                return False
            answer = await self._answer(head)
        except ConnectionError:
            raise
        except Exception as e:
            if self._writer.transport.is_closing():
                raise ConnectionResetError from e
            answer = self._handler.refuse(e)
            if not isinstance(e, AmpError):
                _log.error("unexpected error", action="unexpected_error", exc_info=e)
        is_last = self._is_stopping or not self._requests.may_follow
        await self._write(answer, is_last)
        if self._requests.is_unfinished and self._writer.can_write_eof():
            self._writer.write_eof()
            self._enter(self, ConnectionPhase.LINGER)
            await self._requests.discard(_LINGER_S, _LINGER_BYTES)
        return not is_last and not self._is_stopping

    async def _answer(self, head: h11.Request) -> HttpResponse:
        """Read the rest of the request and return its response. The body is held in `Buffers` until then. The request
        must not outlive this method, because its memory is no longer counted afterwards.
        """
        try:
            request = await self._requests.read_rest(head)
            self._enter(self, ConnectionPhase.WORK)
            if request.body is not None and len(request.body) > _UNCOUNTED_BYTES:
                self._buffers.keep(self, len(request.body))
            return await self._handler.answer(request)
        finally:
            self._buffers.release(self)

    def _note_arrival(self, size_bytes: int) -> None:
        """Record that the connection waits for the rest of a body, of which `size_bytes` have arrived."""
        if self._writer.transport.is_closing():  # it was ended to release memory, and holds nothing any more
            raise ConnectionResetError
        self._enter(self, ConnectionPhase.TRANSFER)
        if size_bytes > _UNCOUNTED_BYTES:
            self._buffers.hold(self, size_bytes)

    async def _write(self, answer: HttpResponse, is_last: bool) -> None:
        body = b"" if self._requests.method == "HEAD" else answer.body
        data = head_of(answer, is_last=is_last)
        deadline = asyncio.get_running_loop().time() + self._limits.answer_s
        if len(body) > _UNCOUNTED_BYTES:
            self._buffers.hold(self, len(body))
        try:
            # A response without a body has one piece, which is its head.
            for at in range(0, len(body) or 1, _PIECE_BYTES):
                piece = body[at : at + _PIECE_BYTES]
                self._writer.write(data + piece)
                data = b""
                deadline += len(piece) / MIN_BYTES_PER_S
                await self._drain(deadline)
        finally:
            self._buffers.release(self)

    async def _drain(self, deadline: float) -> None:
        """Wait until the kernel has the written data, but no longer than the limit for one pause of the client."""
        if not self._writer.transport.get_write_buffer_size():
            return
        self._enter(self, ConnectionPhase.TRANSFER)
        async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + self._limits.answer_s)):
            await self._writer.drain()
        self._enter(self, ConnectionPhase.WORK)

    def _set_idle(self, is_idle: bool) -> None:
        self._is_idle = is_idle
        self._enter(self, ConnectionPhase.IDLE if is_idle else ConnectionPhase.WORK)


def _host(address: object) -> str:
    return str(address[0]) if isinstance(address, tuple) else ""
