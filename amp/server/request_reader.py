"""Reads complete requests from a connection, parsed by h11, within limits of time and size."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import h11

from amp.api.errors import BadRequest, ExpectationFailed, HeadersTooLarge, RequestTimeout, UriTooLong
from amp.errors import AmpError, TooLarge
from amp.server.answer_head import CONTINUE
from amp.server.messages import HttpLimits, HttpRequest

_READ_BYTES = 64 * 1024
HEAD_BYTES = 32 * 1024
_TARGET_BYTES = 8190
#: Groups of an absolute URL: scheme and authority, path, query.
_ABSOLUTE = re.compile(r"([^/]*//[^/?#]*)([^?]*)(.*)", re.DOTALL)
#: Minimum speed of a transfer beyond its base time. A slow client gets more time for each byte it has sent or read.
MIN_BYTES_PER_S = 8 * 1024
#: Each chunk costs time, so a body may have this many chunks, and one more for each `_MIN_CHUNK_BYTES`.
_FREE_CHUNKS = 1024
_MIN_CHUNK_BYTES = 128


class RequestReader:
    """The reading side of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: HttpLimits,
        on_arrival: Callable[[int], None],
    ) -> None:
        """:param on_arrival: is called before each wait for more of a body, with the number of bytes that have arrived.
        An exception that it raises ends the reading.
        """
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._on_arrival = on_arrival
        self._http = _parser()
        #: The method of the request that is being read or answered; "" before its head is complete.
        self.method = ""

    @property
    def may_follow(self) -> bool:
        """Whether the request was read completely and the client may send another one on this connection."""
        return self._http.their_state is h11.DONE

    @property
    def is_unfinished(self) -> bool:
        """Whether more of the request, or of invalid data in its place, may still arrive."""
        return self._http.their_state in (h11.SEND_BODY, h11.ERROR)

    async def read_head(self, idle_s: float) -> h11.Request | None:
        """Return the head of the next request. None: the client has closed the connection, or has sent nothing for
        `idle_s`.

        :raises AmpError: the head is not acceptable or did not arrive in time.
        """
        limits = self._limits
        self.method = ""
        if self.may_follow:
            self._begin_next()
        begun = bool(self._http.trailing_data[0])
        deadline = _now() + (limits.head_s if begun else idle_s)
        while True:
            event = self._next_event()
            if isinstance(event, h11.Request):
                self.method = event.method.decode("ascii")
                return event
            if event is not h11.NEED_DATA:
                return None
            try:
                data = await self._read(deadline)
            except TimeoutError:
                if not begun:
                    return None
                raise RequestTimeout(f"the head of the request did not arrive within {limits.head_s:g} s") from None
            if not begun:
                # Empty lines before a request are ignored (RFC 9112, 2.2).
                data = data.lstrip(b"\r\n")
                if not data and not self._reader.at_eof():
                    continue
                begun = True
                deadline = _now() + limits.head_s
            self._http.receive_data(data)

    async def read_rest(self, head: h11.Request) -> HttpRequest:
        """Return the complete request.

        :raises AmpError: the request is not acceptable, is too large, ends early or arrives too slowly.
        """
        limits = self._limits
        if head.http_version not in (b"1.0", b"1.1"):
            raise BadRequest("the HTTP version of the request is not supported; use HTTP/1.1 or HTTP/1.0")
        headers = tuple((bytes(name), bytes(value)) for name, value in head.headers)
        target = origin_form(bytes(head.target))
        lengths = [value for name, value in headers if name == b"content-length"]
        is_chunked = any(name == b"transfer-encoding" for name, _ in headers)
        if is_chunked and (lengths or head.http_version != b"1.1"):
            raise BadRequest("a chunked body must not have a Content-Length, and requires HTTP/1.1")
        declared = int(lengths[0]) if lengths else 0
        if declared > limits.body_bytes:
            raise TooLarge(f"the body is longer than {limits.body_bytes} bytes, the maximum")
        if is_chunked or declared:
            self._expect(headers)
        body = await self._body()
        client, server = self._writer.get_extra_info("peername"), self._writer.get_extra_info("sockname")
        return HttpRequest(
            method=self.method,
            target=target,
            http_version=head.http_version.decode("ascii"),
            headers=headers,
            body=body if is_chunked or lengths else None,
            client=(client[0], client[1]) if client else ("", 0),
            server=(server[0], server[1]),
        )

    async def discard(self, timeout_s: float, max_bytes: int) -> None:
        """Discard what the client still sends, so that it reads the response before the connection is closed."""
        deadline = _now() + timeout_s
        remaining_bytes = max_bytes
        with contextlib.suppress(OSError):
            while remaining_bytes > 0 and (data := await self._read(deadline)):
                remaining_bytes -= len(data)

    def _expect(self, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        expected = [value.lower() for name, value in headers if name == b"expect"]
        if expected and expected != [b"100-continue"]:
            raise ExpectationFailed
        if self._http.they_are_waiting_for_100_continue:
            self._writer.write(CONTINUE)

    async def _body(self) -> bytes:
        limits = self._limits
        start = _now()
        pieces: list[bytes] = []
        size = chunks = 0
        while True:
            event = self._next_event()
            if isinstance(event, h11.EndOfMessage):
                return b"".join(pieces)
            if isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
                size += len(event.data)
                chunks += event.chunk_start
                if size > limits.body_bytes:
                    raise TooLarge(f"the body is longer than {limits.body_bytes} bytes, the maximum")
                if chunks > _FREE_CHUNKS + size // _MIN_CHUNK_BYTES:
                    raise BadRequest("the body is sent in too many small chunks; send larger chunks")
                continue
            self._on_arrival(size)
            try:
                # The client must not pause for long either, however much has arrived.
                deadline = start + limits.body_s + size / MIN_BYTES_PER_S
                data = await self._read(min(deadline, _now() + limits.body_s))
            except TimeoutError:
                raise RequestTimeout("the body of the request arrived too slowly") from None
            self._http.receive_data(data)

    def _begin_next(self) -> None:
        # h11 itself would continue only after it has written the response, which it does not do here.
        data, is_closed = self._http.trailing_data
        self._http = _parser()
        if data:
            self._http.receive_data(data)
        if is_closed:
            self._http.receive_data(b"")

    async def _read(self, deadline: float) -> bytes:
        async with asyncio.timeout_at(deadline):
            return await self._reader.read(_READ_BYTES)

    def _next_event(self) -> Any:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as e:
            raise _refusal(e) from e


def _parser() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _refusal(error: h11.RemoteProtocolError) -> AmpError:
    if error.error_status_hint == 431:
        return HeadersTooLarge(f"the request line and headers are longer than {HEAD_BYTES} bytes, the maximum")
    return BadRequest(f"the request is not valid HTTP/1.1: {error}")


def origin_form(target: bytes) -> str:
    """Return the path and the query of a request target.

    :raises AmpError: the target has no path or is too long.
    """
    if len(target) > _TARGET_BYTES:
        raise UriTooLong(f"the URL is longer than {_TARGET_BYTES} bytes, the maximum")
    text = target.decode("ascii", "replace")
    if text.lower().startswith(("http://", "https://")):
        _, path, query = _ABSOLUTE.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
        text = (path or "/") + query
    if not text.startswith("/") or "#" in text or not text.isascii():
        raise BadRequest("the request target is not a path that begins with '/'")
    return text
