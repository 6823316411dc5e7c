"""Clients that break off, dawdle or send nonsense, and a normal client whose times are taken beside them."""

import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

DEADLINE_S = 10.0


@dataclass(frozen=True)
class Reply:
    """An answer as it came off the wire; `status` is 0 if the server closed without one."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Target:
    """The server under attack."""

    url: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        found = socket.socket()
        if receive_bytes is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        found.settimeout(DEADLINE_S)
        found.connect(self.address)
        return found

    def send(self, data: bytes, *, then_close: bool = False) -> list[Reply]:
        """Every answer to `data`, until the server closes; `then_close` ends the sending side first."""
        with self.connect() as client:
            try:
                client.sendall(data)
                if then_close:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has answered and closed already
            return replies(client)

    def healthz_s(self) -> float:
        """Seconds for an answer at `/healthz`, on a connection of its own."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
        return time.monotonic() - began


def replies(client: socket.socket) -> list[Reply]:
    """The answers on a connection, until its server closes it."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if status == 100:
            continue
        length = int(headers.get("content-length", "0"))
        found.append(Reply(status, headers, data[:length]))
        data = data[length:]
    return found


def p99_s(call: Callable[[], None], count: int) -> float:
    """The 99th percentile of the time `call` takes, in seconds."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        call()
        times.append(time.monotonic() - began)
    return sorted(times)[int(count * 0.99)]
