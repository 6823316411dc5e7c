"""Servers under attack: `amp serve` on both profiles, and one in this process whose deadlines are short."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.server.front import Front
from amp.server.http_server import HttpServer
from amp.server.messages import limits_of
from amp.server.pools import Pools
from tests.hostile.clients import Target
from tests.support.service.amp_command import amp_command, server_process
from tests.support.service.built import running

Serve = Callable[[Amp], AbstractContextManager[Target]]


@pytest.fixture(scope="module", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """`amp serve` as it runs without settings."""
    folder = tmp_path_factory.mktemp("target")
    env: dict[str, object] = {"AMP_DATA_DIR": folder / "data", "AMP_LOG_LEVEL": "warning"}
    if request.param == "cluster":
        env |= request.getfixturevalue("cluster_settings")
        amp_command("migrate", env=env)
    log = folder / "log"
    with server_process(env, log) as server:
        yield Target(server.url)
    assert "Traceback" not in log.read_text()
    assert '"exception"' not in log.read_text()


@pytest.fixture(scope="module")
def serve() -> Serve:
    """Serves a service in this process."""
    return _serving


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An embedded server with short deadlines and small bounds."""
    settings = {
        "data_dir": tmp_path_factory.mktemp("hasty"),
        "head_timeout_s": 0.3,
        "body_timeout_s": 0.3,
        "answer_timeout_s": 0.3,
        "idle_timeout_s": 0.6,
        "max_connections": 40,
        "max_buffered_bytes": 4_000_000,
    }
    with running(settings) as amp, _serving(amp) as target:
        yield target


@contextmanager
def _serving(amp: Amp) -> Iterator[Target]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def run() -> None:
            pools = Pools(amp.settings)
            server = HttpServer(Front(create_app(amp), pools, amp.metrics), limits_of(amp.settings))
            await server.run(listener, stop, 2.0)
            pools.close()

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="http-server")
        thread.start()
        try:
            yield Target(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()
