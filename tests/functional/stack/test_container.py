"""Servers as containers, tried on as much of an engine as they use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack
from tests.support.stack.container import ContainerServer, docker_answers, engine
from tests.support.stack.fake_engine import FakeEngine, running_engine


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    # Not in tmp_path: the path of a socket may have 107 characters only.
    with tempfile.TemporaryDirectory(prefix="amp-") as folder, running_engine(Path(folder) / "docker.sock") as fake:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/docker.sock")
        docker_answers.cache_clear()
        engine.cache_clear()
        yield fake
        engine().close()
        docker_answers.cache_clear()
        engine.cache_clear()


def test_with_an_engine_servers_are_containers_on_loopback_only(docker: FakeEngine, tmp_path: Path) -> None:
    server = Stack(tmp_path, only=["kafka"]).kafka
    assert isinstance(server, ContainerServer)
    server.start()
    [wanted] = docker.created
    assert wanted["Image"] == "apache/kafka:3.9.1"
    assert wanted["HostConfig"]["PortBindings"] == {"9092/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(server.port)}]}
    assert f"KAFKA_ADVERTISED_LISTENERS=CLIENT://127.0.0.1:{server.port}" in wanted["Env"]


def test_a_container_is_paused_killed_and_started_again_without_a_new_one(docker: FakeEngine, tmp_path: Path) -> None:
    server = Stack(tmp_path, only=["redis"]).redis
    seen = []
    for act in (server.start, server.pause, server.resume, server.kill, server.start, server.pause, server.stop):
        act()
        seen.append((docker.status, server.running, server.pid))
    up, stopped = ("running", True, 4711), ("exited", False, None)
    paused = ("paused", True, 4711)
    assert seen == [up, paused, up, stopped, up, paused, stopped]
    assert len(docker.created) == 1


def test_another_command_finds_the_container_again_and_can_remove_it(docker: FakeEngine, tmp_path: Path) -> None:
    first = Stack(tmp_path, only=["redis"])
    first.redis.start()
    second = Stack(tmp_path, only=["redis"])
    assert (docker.status, second.addresses) == ("running", first.addresses)
    second.down(wipe=True)
    assert docker.status == "absent"
    assert second.status() == ["redis          never started"]
