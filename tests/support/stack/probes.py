"""Does a server answer? One small question in each server's own protocol, without a driver."""

from __future__ import annotations

import http.client
import json
import socket
import struct

_TIMEOUT_S = 3.0


def port_accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def cassandra_answers(host: str, port: int) -> bool:
    """OPTIONS of the native protocol version 4, answered by SUPPORTED; needs no login."""
    reply = _ask(host, port, bytes([0x04, 0, 0, 0, 0x05, 0, 0, 0, 0]), 9)
    return len(reply) == 9 and reply[4] == 0x06


def kafka_answers(host: str, port: int) -> bool:
    """Metadata for no topics; a broker that is still fenced does not list itself."""
    body = struct.pack(">hhih3si", 3, 1, 1, 3, b"amp", 0)
    reply = _ask(host, port, struct.pack(">i", len(body)) + body, 12)
    return len(reply) == 12 and struct.unpack(">iii", reply)[2] > 0


def redis_answers(host: str, port: int) -> bool:
    """PING; a server that asks for a password answers too, one that still loads its data does not."""
    return _ask(host, port, b"PING\r\n", 5) in (b"+PONG", b"-NOAU")


def elasticsearch_health(host: str, port: int) -> str | None:
    """The cluster's colour, "unknown" where it wants a login first; None without an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/_cluster/health?timeout=1s")
        answer = connection.getresponse()
        if answer.status == 401:
            return "unknown"
        return str(json.loads(answer.read())["status"]) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


def _ask(host: str, port: int, question: bytes, length: int) -> bytes:
    """The first `length` bytes of the answer; fewer, or none, where the server gives no more."""
    reply = b""
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(question)
            while len(reply) < length and (part := connection.recv(length - len(reply))):
                reply += part
    except OSError:
        return reply
    return reply
