"""The tests' own servers behave as tests rely on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import SHARED_FOLDER, NotAllStarted, Stack, StackError, versions, wait_until
from tests.support.stack.env_servers import EnvServer
from tests.support.stack.kinds import CASSANDRA, ELASTICSEARCH, KAFKA, REDIS, Kind
from tests.support.stack.ports import free_ports
from tests.support.stack.processes import Process, group_members, spawn, start_time

_STAND_IN_FOR_REDIS = """
import socketserver, sys

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"+PONG")

socketserver.TCPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = spawn(["sleep", "300"], folder=tmp_path, log=tmp_path / "log", env={})
    yield process
    process.kill()


def test_waiting_ends_with_what_was_waited_for_when_the_deadline_passes() -> None:
    with pytest.raises(StackError, match="waited 0 s in vain for rain"):
        wait_until(lambda: False, 0, "rain")


def test_a_process_is_known_by_its_start_and_not_by_its_pid_alone(sleeper: Process) -> None:
    stranger = Process(sleeper.pid, "another start")
    stranger.kill()
    assert [stranger.alive, sleeper.alive] == [False, True]


def test_a_paused_process_that_is_stopped_still_ends_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap 'echo in order; exit' TERM; echo ready; while :; do sleep 0.05; done"
    process = spawn(["sh", "-c", script], folder=tmp_path, log=log, env={})
    wait_until(lambda: "ready" in log.read_text(), 10, "the shell")
    process.signal(signal.SIGSTOP)
    process.stop(timeout_s=10)
    assert process.gone()
    assert "in order" in log.read_text()


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = spawn(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], folder=tmp_path, log=log, env={}
    )
    wait_until(lambda: "ready" in log.read_text(), 10, "the shell")
    stubborn.stop(timeout_s=0.3)
    assert stubborn.gone()


def test_killing_reaches_a_server_whose_launcher_already_ended(tmp_path: Path) -> None:
    launcher = spawn(["sh", "-c", "sleep 300 & wait"], folder=tmp_path, log=tmp_path / "log", env={})
    wait_until(lambda: len(group_members(launcher.pid)) == 2, 10, "its child")
    os.kill(launcher.pid, signal.SIGKILL)
    wait_until(lambda: start_time(launcher.pid) is None, 10, "the launcher to die")
    assert not launcher.gone()
    launcher.kill()
    assert launcher.gone()


@pytest.mark.parametrize(
    ("kind", "address", "host", "port"),
    [
        (CASSANDRA, "c1.example:19042,c2.example:9042", "c1.example", 19042),
        (KAFKA, "kafka.example", "kafka.example", 9092),
        (ELASTICSEARCH, "https://user:secret@es.example:9243/path", "es.example", 9243),
        (REDIS, "redis://:secret@[::1]/3", "::1", 6379),
    ],
)
def test_a_given_address_is_used_as_it_is_and_probed_at_its_first_host(
    kind: Kind, address: str, host: str, port: int
) -> None:
    server = EnvServer(kind, address)
    assert (server.address, server.host, server.port) == (address, host, port)


def test_a_given_server_is_never_stopped_from_here(tmp_path: Path) -> None:
    stack = Stack(tmp_path, only=["redis"], environ={"AMP_REDIS_URL": "redis://127.0.0.1:1/0"})
    stack.down()
    with pytest.raises(StackError, match="not ours"):
        stack.redis.stop()


def test_a_given_server_that_is_not_there_is_named_with_its_variable(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    stack = Stack(tmp_path, only=["redis"], environ={"AMP_REDIS_URL": f"redis://127.0.0.1:{port}/0"})
    assert not stack.answers
    with pytest.raises(StackError, match="AMP_REDIS_URL"):
        stack.up()


def test_a_failed_start_reports_which_servers_run_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!{sys.executable}\n{_STAND_IN_FOR_REDIS}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("tests.support.stack.stack.docker_answers", lambda: False)
    stack = Stack(tmp_path / "stack", only=["kafka", "redis"], environ={"AMP_KAFKA_BOOTSTRAP": "127.0.0.1:1"})
    with pytest.raises(NotAllStarted, match=r"nothing answers at 127\.0\.0\.1:1") as failure:
        stack.up()
    assert failure.value.started == ["redis"]
    assert stack.redis.running
    stack.down()
    assert stack.redis.pid is None


def test_a_server_that_ends_while_starting_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho out of order\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("tests.support.stack.stack.docker_answers", lambda: False)
    with pytest.raises(NotAllStarted, match=r"(?s)redis ended.*out of order"):
        Stack(tmp_path / "stack", only=["redis"]).up()


def test_status_of_servers_never_started_says_so_and_leaves_no_trace(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "none", only=["kafka", "redis"])
    assert not stack.answers
    assert [line.split(maxsplit=1)[1] for line in stack.status()] == ["never started", "never started"]
    stack.down()
    assert not (tmp_path / "none").exists()


def test_compose_runs_the_pinned_versions() -> None:
    compose = (SHARED_FOLDER.parent / "compose.yaml").read_text()
    pinned = {name: image for name, image in vars(versions).items() if name.endswith("_IMAGE")}
    assert sorted(re.findall(r"image: (\S+)", compose)) == sorted(pinned.values())


@pytest.mark.cluster
def test_an_own_server_can_be_paused_killed_and_restarted(stack: Stack, tmp_path: Path) -> None:
    with Stack(tmp_path, only=["redis"]) as own:
        server, address, first_pid = own.redis, own.redis.address, own.redis.pid
        assert own.up() == []
        server.pause()
        assert [server.running, server.answers()] == [True, False]
        server.resume()
        server.wait_ready()
        server.kill()
        assert server.pid is None
        server.start()
        server.wait_ready()
        assert server.address == address
        assert server.pid != first_pid
        assert stack.answers
    assert not own.answers
    assert not (tmp_path / "redis").exists()


@pytest.mark.cluster
def test_the_command_prints_settings_a_shell_can_read(cluster_settings: dict[str, str]) -> None:
    command = f'eval "$({sys.executable} -m tests.support.stack env)"; echo "$AMP_PROFILE $AMP_CASSANDRA_HOSTS"'
    environ = {
        name: cluster_settings[name] for name in cluster_settings if name.endswith(("_HOSTS", "_BOOTSTRAP", "_URL"))
    }
    shown = subprocess.run(
        ["sh", "-c", command],
        cwd=SHARED_FOLDER.parent,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == ["cluster", cluster_settings["AMP_CASSANDRA_HOSTS"]]
