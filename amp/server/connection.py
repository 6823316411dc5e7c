"""One client's connection: reads its requests one after the other, and writes an answer to each."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Protocol

import h11
import structlog

from amp.errors import AmpError
from amp.server.buffers import Buffers
from amp.server.messages import Answer, Limits, Request
from amp.server.request_reader import HEAD_BYTES, LEAST_BYTES_PER_S, RequestReader

_log = structlog.get_logger(__name__)
_PIECE_BYTES = 64 * 1024
#: How long, and for how much, a refused client may go on sending before the connection is closed.
_LINGER_S = 2.0
_LINGER_BYTES = 32 * 1024 * 1024


class Handler(Protocol):
    """What answers requests."""

    def answer(self, request: Request) -> Awaitable[Answer]: ...

    def refuse(self, error: Exception) -> Answer: ...


class Connection:
    """Ends with its client, with the first request that cannot be read, or after the answer under way if `stop`ped."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handler: Handler,
        limits: Limits,
        buffers: Buffers,
        waits: Callable[["Connection", bool], None],
    ) -> None:
        self._writer = writer
        self._handler = handler
        self._limits = limits
        self._buffers = buffers
        #: Told whenever the connection begins or ends to wait for the head of a request.
        self._waits = waits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._requests = RequestReader(reader, writer, self._http)
        self._is_waiting = False
        self._is_stopping = False
        # An answer is written when the kernel has it: what is in memory here counts.
        writer.transport.set_write_buffer_limits(high=0)

    async def serve(self) -> None:
        idle_s = self._limits.head_s
        try:
            while await self._exchange(idle_s):
                self._http.start_next_cycle()
                idle_s = self._limits.idle_s
        except OSError:  # the client is gone, or too slow
            self.end()
        except Exception:  # noqa: BLE001 - no fault of one connection may reach the others
            _log.exception("connection failed", action="connection_failed")
            self.end()
        finally:
            self._wait(False)
            self._writer.close()

    async def turn_away(self, error: AmpError) -> None:
        """Answer without reading a request."""
        with contextlib.suppress(OSError):
            await self._write(self._handler.refuse(error), True)
        self._writer.close()

    def stop(self) -> None:
        """Close after the request under way, at once if there is none."""
        self._is_stopping = True
        if self._is_waiting:
            self.end()

    def end(self) -> None:
        """Close at once, whatever is under way."""
        self._writer.transport.abort()

    async def _exchange(self, idle_s: float) -> bool:
        """Read a request and answer it. False: no other may follow."""
        try:
            self._wait(True)
            head = await self._requests.read_head(self._limits, idle_s)
            self._wait(False)
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
        is_last = self._is_stopping or self._http.their_state is not h11.DONE
        await self._write(answer, is_last)
        if self._http.their_state in (h11.SEND_BODY, h11.ERROR) and self._writer.can_write_eof():
            self._writer.write_eof()
            await self._requests.discard(_LINGER_S, _LINGER_BYTES)
        return not self._is_stopping and self._http.our_state is self._http.their_state is h11.DONE

    async def _answer(self, head: h11.Request) -> Answer:
        """Holds the body in `Buffers` until the answer exists. The request must not outlive this method: its memory
        counts no longer then."""
        request = await self._requests.read_rest(head, self._limits, self._buffers, self.end)
        try:
            return await self._handler.answer(request)
        finally:
            self._buffers.release(self._requests)

    async def _write(self, answer: Answer, is_last: bool) -> None:
        headers = [*answer.headers, (b"date", formatdate(usegmt=True).encode())]
        if is_last:
            headers.append((b"connection", b"close"))
        body = b"" if self._requests.method == "HEAD" else answer.body
        data = self._send(h11.Response(status_code=answer.status, headers=headers, reason=answer.reason.encode()))
        deadline = asyncio.get_running_loop().time() + self._limits.answer_s
        if len(body) > _PIECE_BYTES:
            self._buffers.hold(self, len(body), self.end)
        try:
            for at in range(0, len(body), _PIECE_BYTES):
                piece = body[at : at + _PIECE_BYTES]
                self._writer.write(data + self._send(h11.Data(data=piece)))
                data = b""
                deadline += len(piece) / LEAST_BYTES_PER_S
                await self._drain(deadline)
            self._writer.write(data + self._send(h11.EndOfMessage()))
            await self._drain(deadline)
        finally:
            self._buffers.release(self)

    async def _drain(self, deadline: float) -> None:
        """Wait until the kernel has what was written, but not longer than the limit for one pause of the client."""
        if not self._writer.transport.get_write_buffer_size():
            return
        async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + self._limits.answer_s)):
            await self._writer.drain()

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""

    def _wait(self, is_waiting: bool) -> None:
        if self._is_waiting != is_waiting:
            self._is_waiting = is_waiting
            self._waits(self, is_waiting)
