"""`amp serve` as a process: starts, says where, stops gracefully, keeps what it was given, and refuses clearly."""

import concurrent.futures
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.service.amp_command import AMP, RUN_AMP, ServerProcess, amp_command, server_process, spawned
from tests.support.stack.waiting import wait_until

#: Before a program: its child processes stand still between their fork and their own signal handlers.
_SLOW_CHILD = """
import time
from gunicorn import util
util._setproctitle = lambda title: time.sleep(2 if title.startswith("worker") else 0)
"""
_CLIP = {"name": "clip", "fields": {"cameraId": {"type": "long"}}}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, object]:
    return {"AMP_DATA_DIR": tmp_path / "data"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `server`, which leaves its log beside."""
    return tmp_path_factory.mktemp("served") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[ServerProcess]:
    with server_process({"AMP_DATA_DIR": data}, data.with_name("log")) as found:
        yield found


def refusal(env: dict[str, object]) -> str:
    """The one line that a server which cannot start says."""
    # Those that a test run brings along are no settings, which a start would warn of.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMP_")}
    variables = inherited | {name: str(value) for name, value in env.items()}
    ended = subprocess.run([*AMP, "serve"], env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.strip().splitlines()
    return line


def test_it_says_where_it_listens_which_profile_and_which_data_folder(server: ServerProcess, data: Path) -> None:
    banner = rf"AMP serves on http://127\.0\.0\.1:\d+ \(embedded profile, data in {re.escape(str(data))}\)\n"
    assert re.fullmatch(banner, server.banner)
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}


def test_a_server_that_is_stopped_as_soon_as_it_speaks_stops_at_once(env: dict[str, object], tmp_path: Path) -> None:
    with server_process(env | {"AMP_GRACEFUL_STOP_S": "40"}, tmp_path / "log") as server:
        began_s = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        # Far from the grace after which it would be killed.
        assert time.monotonic() - began_s < 30


def test_a_stop_before_the_process_listens_to_signals_is_obeyed(env: dict[str, object], tmp_path: Path) -> None:
    with server_process(env | {"AMP_GRACEFUL_STOP_S": "40"}, tmp_path / "log", _SLOW_CHILD + RUN_AMP) as server:
        began_s = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began_s < 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_progress_finishes_when_the_server_stops(
    env: dict[str, object], tmp_path: Path, number: int
) -> None:
    with server_process(env, tmp_path / "log") as server, concurrent.futures.ThreadPoolExecutor() as pool:
        httpx.post(f"{server.url}/v1/types", json=_CLIP).raise_for_status()
        slow = _SlowRequest(server.url)
        stopped = pool.submit(server.stop, number)
        wait_until(lambda: _refuses(server.url), 30, "the server to begin to stop")
        assert slow.finish().startswith("HTTP/1.1 201 ")
        assert stopped.result(60) == 0
    assert not (tmp_path / "data" / "server.url").exists()


def test_what_was_acknowledged_is_there_after_a_restart(env: dict[str, object], tmp_path: Path) -> None:
    with server_process(env, tmp_path / "log") as server:
        httpx.post(f"{server.url}/v1/types", json=_CLIP).raise_for_status()
        made = httpx.post(f"{server.url}/v1/assets", json={"type": "clip", "metadata": {"cameraId": 5}}).json()
        assert server.stop(signal.SIGTERM) == 0
    with server_process(env, tmp_path / "log") as server:
        assert httpx.get(f"{server.url}/v1/assets/{made['id']}").json() == made
        _wait_until_found(server.url, "cameraId:5", made["id"])


def test_a_killed_server_leaves_nothing_that_keeps_the_next_from_starting(
    env: dict[str, object], tmp_path: Path
) -> None:
    with server_process(env, tmp_path / "log") as server:
        port = server.url.rpartition(":")[2]
        server.stop(signal.SIGKILL)
    with server_process(env | {"AMP_PORT": port}, tmp_path / "log") as server:
        assert httpx.get(f"{server.url}/healthz", timeout=30).status_code == 200


def test_a_killed_process_of_the_server_is_replaced(server: ServerProcess, data: Path) -> None:
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    (child,) = _children(server)
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: _is_ready(server.url), 30, f"another, see {data.with_name('log')}")


@pytest.mark.parametrize("name", ["SIGTTIN", "SIGTTOU", "SIGUSR2", "SIGWINCH", "SIGUSR1"])
def test_signals_that_ask_for_more_or_other_processes_change_nothing(server: ServerProcess, name: str) -> None:
    wait_until(lambda: _is_ready(server.url), 30, "the server to be ready")
    before = _children(server)
    for pid in (server.process.pid, *before):
        os.kill(pid, getattr(signal, name))
    wait_until(lambda: _is_ready(server.url), 10, "an answer")
    assert server.process.poll() is None
    assert _children(server) == before


def test_a_busy_port_or_data_folder_is_one_clear_line(
    server: ServerProcess, env: dict[str, object], data: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, concurrent.futures.ThreadPoolExecutor() as pool:
        port = taken.getsockname()[1]
        # The server waits for both, since a killed predecessor may soon release them. In parallel, this is faster.
        of_port, of_folder = pool.map(refusal, [env | {"AMP_PORT": port}, {"AMP_DATA_DIR": data, "AMP_PORT": 0}])
    assert of_port == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use; set AMP_HOST or AMP_PORT"
    who = f"process {server.process.pid}, a server at {server.url}"
    assert of_folder == f"Error: the data folder {data} is in use by {who}; stop it first"


def test_pending_migrations_of_a_served_folder_are_not_reported(server: ServerProcess, data: Path) -> None:
    result = amp_command("migrate", "--dry-run", env={"AMP_DATA_DIR": data})
    assert result.exit_code == 1
    assert (
        f"a server at {server.url}; stop it first (a server migrates its data folder when it starts)" in result.stderr
    )


def test_a_data_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refusal({"AMP_DATA_DIR": tmp_path / "file" / "data", "AMP_PORT": 0})
    assert line.startswith("Error: AMP_DATA_DIR=")


def test_workers_of_their_own_are_for_the_cluster_set_only(env: dict[str, object]) -> None:
    variables = os.environ | {name: str(value) for name, value in env.items()}
    with spawned([*AMP, "worker", "all"], env=variables, stderr=subprocess.STDOUT) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "`amp serve` runs the workers" in out


class _SlowRequest:
    """A creation of which the server has all but the last byte."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        body = b'{"type": "clip"}'
        head = f"POST /v1/assets HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        # Answered once, the connection is the server's own: one that only waits to be accepted ends with the listener.
        self._socket.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert self._socket.recv(65536).startswith(b"HTTP/1.1 200 ")
        self._socket.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        self._last = body[-1:]

    def finish(self) -> str:
        self._socket.sendall(self._last)
        with self._socket:
            return self._socket.recv(65536).decode()


def _children(server: ServerProcess) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def _refuses(url: str) -> bool:
    """So that a balancer goes elsewhere at once, rather than let a client wait for nobody."""
    try:
        httpx.get(f"{url}/healthz", timeout=5)
    except httpx.ConnectError:
        return True
    return False


def _wait_until_found(url: str, query: str, asset_id: str) -> None:
    def found() -> bool:
        items = httpx.get(f"{url}/v1/search", params={"q": query}).json()["items"]
        return [item["id"] for item in items] == [asset_id]

    wait_until(found, 30, f"{query} to find {asset_id} alone")
