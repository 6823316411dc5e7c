"""Servers as containers of a Docker engine."""

from __future__ import annotations

import functools
import hashlib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.stack import versions
from tests.support.stack.errors import StackError
from tests.support.stack.kinds import Kind
from tests.support.stack.ports import HOST, free_ports, is_free
from tests.support.stack.server import Server
from tests.support.stack.state import Entry, State


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to run an image; `{port}` stands for the port that clients use."""

    image: str
    port: int
    env: dict[str, str] = field(default_factory=dict)
    command: str | None = None


_RECIPES = {
    "cassandra": Recipe(
        image=versions.CASSANDRA_IMAGE,
        port=9042,
        env={
            "MAX_HEAP_SIZE": "1g",
            "HEAP_NEWSIZE": "256m",
            "JVM_EXTRA_OPTS": "-Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=1",
        },
    ),
    "kafka": Recipe(
        image=versions.KAFKA_IMAGE,
        port=9092,
        env={
            "KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m",
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_LISTENERS": "CLIENT://:9092,CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"CLIENT://{HOST}:{{port}}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "CLIENT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        },
    ),
    "elasticsearch": Recipe(
        image=versions.ELASTICSEARCH_IMAGE,
        port=9200,
        env={
            "discovery.type": "single-node",
            "xpack.security.enabled": "false",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "ES_JAVA_OPTS": "-Xms1g -Xmx1g",
        },
    ),
    "redis": Recipe(image=versions.REDIS_IMAGE, port=6379, command="redis-server --save '' --appendonly no"),
}


@functools.cache
def docker_answers() -> bool:
    """There is an engine on this machine, since another's would not publish ports here; looked for once per process."""
    # Only those who have not started their servers yet pay for this import.
    from testcontainers.core.docker_client import get_docker_host

    address = get_docker_host() or "unix:///var/run/docker.sock"
    if not address.startswith("unix://"):
        return False
    # First by hand: Docker's client leaves its socket open where nobody listens.
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.removeprefix("unix://"))
        except OSError:
            return False
    return bool(engine().ping())


@functools.cache
def engine() -> Any:
    """Docker's own client, one for the whole process; its types are loose."""
    from testcontainers.core.docker_client import DockerClient

    return DockerClient().client


class ContainerServer(Server):
    """The life of one container; its data lives in it and goes with it."""

    def __init__(self, kind: Kind, folder: Path, state: State) -> None:
        self.kind = kind
        self._recipe = _RECIPES[kind.name]
        # Tells apart the containers of several checkouts.
        self._container_name = f"amp-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}-{kind.name}"
        self._state = state

    @property
    def host(self) -> str:
        return HOST

    @property
    def port(self) -> int:
        return self._entry().ports["client"]

    @property
    def pid(self) -> int | None:
        container = self._container()
        return (container.attrs["State"]["Pid"] or None) if container is not None else None

    @property
    def running(self) -> bool:
        container = self._container()
        return container is not None and container.status in ("running", "paused")

    def choose_ports(self) -> None:
        """Keeps the port of an existing container, which cannot change; else takes a free one."""
        if self._state.read(self.name) is None or self._container() is None or not is_free(self.port):
            self.wipe()
            [port] = free_ports(1, taken=self._state.ports())
            self._state.write(self.name, Entry(how="container", ports={"client": port}))

    def start(self) -> None:
        if (container := self._container()) is not None:
            container.start()
            return
        from docker.errors import DockerException  # type: ignore[import-untyped]
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer

        # Its reaper would remove the servers as soon as this process ends.
        testcontainers_config.ryuk_disabled = True
        wanted = DockerContainer(self._recipe.image).with_name(self._container_name)
        # The engine's form of "on the loopback interface only", for which its own method has no words.
        wanted.ports[str(self._recipe.port)] = (self.host, self.port)  # type: ignore[assignment]
        for name, value in self._recipe.env.items():
            wanted.with_env(name, value.format(port=self.port))
        if self._recipe.command is not None:
            wanted.with_command(self._recipe.command)
        try:
            wanted.start()
        except DockerException as error:
            raise StackError(f"{self.name}: Docker could not run {self._recipe.image}: {error}") from error
        finally:
            wanted.get_docker_client().client.close()

    def stop(self) -> None:
        if (container := self._container()) is not None:
            if container.status == "paused":
                container.unpause()
            container.stop(timeout=30)

    def kill(self) -> None:
        if self.running and (container := self._container()) is not None:
            container.kill()
            container.wait(timeout=30)

    def pause(self) -> None:
        self._existing().pause()

    def resume(self) -> None:
        if (container := self._existing()).status == "paused":
            container.unpause()

    def wipe(self) -> None:
        if (container := self._container()) is not None:
            container.remove(force=True, v=True)
        self._state.remove(self.name)

    def log_tail(self) -> str:
        container = self._container()
        text = container.logs(tail=15).decode(errors="replace") if container is not None else ""
        return f"The end of `docker logs {self._container_name}`:\n{text}"

    def _existing(self) -> Any:
        if (container := self._container()) is None:
            raise StackError(f"{self.name} is not running")
        return container

    def _container(self) -> Any | None:
        """The engine's current view of it."""
        from docker.errors import DockerException, NotFound

        try:
            return engine().containers.get(self._container_name)
        except NotFound:
            return None
        except DockerException as error:
            raise StackError(f"{self.name} is a container, and Docker does not answer: {error}") from error

    def _entry(self) -> Entry:
        if (entry := self._state.read(self.name)) is None:
            self.choose_ports()
            return self._entry()
        return entry
