"""Slow and broken clients, 64 at a time: the others are served as usual, and each of the slow ones meets a deadline."""

import contextlib
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.hostile.clients import Target, p99_s, replies
from tests.hostile.sizes import count
from tests.support.stack.waiting import wait_until

pytestmark = pytest.mark.alone
_BAD_CLIENTS = 64
_HEAD = b"POST /v1/assets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
_HALF_BODY = _HEAD + b"Content-Length: 1000\r\n\r\n{"
_METRICS = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def silent(target: Target) -> socket.socket:
    return target.connect()


def half_a_head(target: Target) -> socket.socket:
    client = target.connect()
    client.sendall(_HEAD[:40])
    return client


def half_a_body(target: Target) -> socket.socket:
    client = target.connect()
    client.sendall(_HALF_BODY)
    return client


def half_a_chunk(target: Target) -> socket.socket:
    client = target.connect()
    client.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{")
    return client


def too_large(target: Target) -> socket.socket:
    """Is refused after its head, and goes on sending."""
    client = target.connect()
    client.sendall(_HEAD + b"Content-Length: 99999999999\r\n\r\n{")
    return client


def unread_answers(target: Target) -> socket.socket:
    """Asks for much in one go, and reads nothing."""
    client = target.connect(receive_bytes=4096)
    client.sendall(_METRICS * 20)
    return client


def gone(target: Target) -> socket.socket:
    client = target.connect()
    client.sendall(_METRICS)
    client.close()
    return client


def half_closed(target: Target) -> socket.socket:
    client = target.connect()
    client.sendall(_HEAD[:40])
    client.shutdown(socket.SHUT_WR)
    return client


_ATTACKS: list[Callable[[Target], socket.socket]] = [
    silent, half_a_head, half_a_body, half_a_chunk, too_large, unread_answers, gone, half_closed,
]  # fmt: skip


@pytest.fixture(scope="module")
def normal(target: Target) -> Iterator[Callable[[], None]]:
    """What a normal client does, over and over."""
    kind = f"clip-{uuid.uuid4().hex[:12]}"
    with httpx.Client(base_url=target.url, timeout=20) as client:
        client.post("/v1/types", json={"name": kind, "fields": {}}).raise_for_status()
        made = client.post("/v1/assets", json={"type": kind}).raise_for_status().json()

        def call() -> None:
            client.get(f"/v1/assets/{made['id']}").raise_for_status()

        yield call


@pytest.fixture(scope="module")
def usual_s(normal: Callable[[], None]) -> float:
    p99_s(normal, 50)
    return p99_s(normal, count(100, 1_000))


@contextlib.contextmanager
def bad_clients(target: Target, attack: Callable[[Target], socket.socket]) -> Iterator[list[socket.socket]]:
    clients = [attack(target) for _ in range(_BAD_CLIENTS)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("attack", _ATTACKS, ids=lambda attack: attack.__name__)
def test_others_are_served_as_usual(
    target: Target, normal: Callable[[], None], usual_s: float, attack: Callable[[Target], socket.socket]
) -> None:
    with bad_clients(target, attack):
        health = max(target.healthz_s() for _ in range(3))
        p99 = p99_s(normal, count(100, 1_000))
        health = max(health, target.healthz_s())
    print(  # noqa: T201 - the figures, with `make test-hostile`
        f"{attack.__name__}: p99 {p99 * 1000:.1f} ms, usually {usual_s * 1000:.1f} ms; healthz {health * 1000:.1f} ms"
    )
    assert health < 1
    assert p99 <= max(3 * usual_s, 0.25)


@pytest.mark.parametrize(
    ("attack", "statuses"),
    [(silent, []), (half_a_head, [408]), (half_a_body, [408]), (half_a_chunk, [408])],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_does_not_arrive_in_time_is_refused(
    hasty: Target, attack: Callable[[Target], socket.socket], statuses: list[int]
) -> None:
    with attack(hasty) as client:
        assert [reply.status for reply in replies(client)] == statuses


def test_a_body_that_trickles_is_refused(hasty: Target) -> None:
    with hasty.connect() as client:
        client.sendall(_HALF_BODY)
        with contextlib.suppress(OSError):
            for _ in range(20):
                client.sendall(b" ")
                time.sleep(0.05)
        assert [reply.status for reply in replies(client)] == [408]


def test_a_client_that_does_not_read_its_answers_is_cut_off(hasty: Target) -> None:
    with unread_answers(hasty) as client:
        client.settimeout(0.2)

        def is_cut_off() -> bool:
            # Sending only: reading would help the server.
            try:
                client.sendall(_METRICS * 10)
            except TimeoutError:
                return False
            except OSError:
                return True
            return False

        wait_until(is_cut_off, 10, "the server to close the connection")


def test_an_idle_connection_is_kept_a_while_and_then_closed(hasty: Target) -> None:
    with hasty.connect() as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(0.4)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert [reply.status for reply in replies(client)] == [200, 200]


@pytest.mark.parametrize(
    "attack", [silent, half_a_head, half_a_body, too_large, unread_answers], ids=lambda a: a.__name__
)
def test_a_client_that_takes_every_connection_keeps_nobody_out(
    hasty: Target, attack: Callable[[Target], socket.socket]
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(attack(hasty))
        assert hasty.healthz_s() < 1


def test_unfinished_bodies_are_bounded_in_memory(hasty: Target) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(hasty.connect()) for _ in range(8)]
        for client in clients:
            client.sendall(_HEAD.replace(b"/v1/assets", b"/v1/assets/bulk") + b"Content-Length: 2000000\r\n\r\n")
            with contextlib.suppress(OSError):
                client.sendall(b" " * 1_900_000)
        answered = [[json.loads(reply.body)["status"] for reply in replies(client)] for client in clients]
        # The oldest were closed to make room for the others, who had time until their deadline.
        assert answered[0] == []
        assert answered[-1] == [408]
