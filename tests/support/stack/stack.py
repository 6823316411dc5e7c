"""The four servers together."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.stack.cassandra import CassandraProcess
from tests.support.stack.container import ContainerServer, docker_answers
from tests.support.stack.elasticsearch import ElasticsearchProcess
from tests.support.stack.env_servers import EnvServer
from tests.support.stack.errors import MissingProgram, NotAllStarted, StackError
from tests.support.stack.kafka import KafkaProcess
from tests.support.stack.kinds import KINDS, NAMES, Kind
from tests.support.stack.locks import locked
from tests.support.stack.process_server import ProcessServer, Settings
from tests.support.stack.redis import RedisProcess
from tests.support.stack.server import Server
from tests.support.stack.state import State

SHARED_FOLDER = Path(__file__).resolve().parents[3] / ".stack"

_PROCESSES: dict[str, type[ProcessServer]] = {
    "cassandra": CassandraProcess,
    "kafka": KafkaProcess,
    "elasticsearch": ElasticsearchProcess,
    "redis": RedisProcess,
}
_HOW_TO_INSTALL = """The servers need one of:
  - addresses of running ones: AMP_CASSANDRA_HOSTS, AMP_KAFKA_BOOTSTRAP, AMP_ELASTICSEARCH_URL, AMP_REDIS_URL
  - a Docker engine
  - Java 17, Maven and Redis; on Debian: apt-get install openjdk-17-jre-headless maven redis-server"""


def _quiet(_line: str) -> None:
    """Says nothing."""


class Stack:
    """Servers whose data, logs and state live in one folder, on ports of their own.

    As a context manager it is up inside, and gone with its data afterwards.

    :param only: the names of the servers it consists of; all four by default.
    :param given: settings that name servers somebody else runs; these are used instead of own ones.
    :param settings: by server name, settings added to that server's own configuration (own processes only).
    :param brief: they serve one run of the tests and no test kills them: a crash may cost Cassandra its schema, which
        it changes four times as fast (own processes only).
    :param quick: they run for a few minutes without much load: Java starts them fast, and they run slower (own
        processes of Cassandra and Kafka only).
    :param say: called with progress, line by line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        only: Collection[str] = NAMES,
        environ: Mapping[str, str] | None = None,
        settings: Mapping[str, Settings] | None = None,
        brief: bool = False,
        quick: bool = False,
        say: Callable[[str], None] = _quiet,
    ) -> None:
        self.folder = folder.absolute()
        self._state = State(self.folder)
        self._settings = settings or {}
        self._brief = brief
        self._quick = quick
        self._say = say
        self.servers: dict[str, Server] = {
            kind.name: self._server(kind, environ or {}) for kind in KINDS if kind.name in only
        }

    @property
    def cassandra(self) -> Server:
        return self.servers["cassandra"]

    @property
    def kafka(self) -> Server:
        return self.servers["kafka"]

    @property
    def elasticsearch(self) -> Server:
        return self.servers["elasticsearch"]

    @property
    def redis(self) -> Server:
        return self.servers["redis"]

    @property
    def addresses(self) -> dict[str, str]:
        """The settings that lead the service to these servers."""
        return {server.kind.setting: server.address for server in self.servers.values()}

    @property
    def answers(self) -> bool:
        """All of them do; quick where none was ever started."""
        return all(self._started(server) and server.answers() for server in self.servers.values())

    def up(self) -> list[str]:
        """Starts at once what does not run, waits until all serve, writes `env`; the names of those it started.

        :raises NotAllStarted: some could not be started; the others run.
        """
        # Two at once: the second finds what the first started.
        with locked(self.folder / "up.lock"):
            for server in self.servers.values():
                # One after the other, so that no two get the same.
                if isinstance(server, ProcessServer | ContainerServer) and not server.running:
                    server.choose_ports()
            with ThreadPoolExecutor(len(self.servers)) as pool:
                outcomes = list(pool.map(self._bring_up, self.servers.values()))
            started = [name for name, outcome in zip(self.servers, outcomes, strict=True) if outcome is True]
            if errors := [outcome for outcome in outcomes if isinstance(outcome, StackError)]:
                missing = any(isinstance(error, MissingProgram) for error in errors)
                hint = [_HOW_TO_INSTALL] if missing else []
                raise NotAllStarted("\n".join([*dict.fromkeys(map(str, errors)), *hint]), started)
            (self.folder / "env").write_text(self.env())
        return started

    def down(self, names: Collection[str] | None = None, *, wipe: bool = False) -> None:
        """Stops those of them that are ours, all or the named, and waits for their end; `wipe` removes their data."""

        def take_down(server: Server) -> None:
            was_running = server.running
            if wipe:
                server.wipe()
            else:
                server.stop()
            if was_running:
                self._say(f"{server.name:14} stopped")

        ours = [
            server
            for name, server in self.servers.items()
            if server.ours and self._started(server) and (names is None or name in names)
        ]
        if ours:
            with locked(self.folder / "up.lock"), ThreadPoolExecutor(len(ours)) as pool:
                list(pool.map(take_down, ours))

    def status(self) -> list[str]:
        """A line for each server."""
        return [f"{server.name:14} {self._status(server)}" for server in self.servers.values()]

    def env(self) -> str:
        """Shell lines that lead the service to these servers."""
        settings = {"AMP_PROFILE": "cluster", **self.addresses}
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.down(wipe=True)

    def _server(self, kind: Kind, environ: Mapping[str, str]) -> Server:
        entry = self._state.read(kind.name)
        address = environ.get(kind.setting)
        # A shell that read this stack's `env` gives us our own addresses; those servers stay ours.
        if address and (entry is None or self._own(kind, entry.how).address != address):
            return EnvServer(kind, address)
        return self._own(kind, entry.how if entry else None)

    def _own(self, kind: Kind, how: str | None) -> ProcessServer | ContainerServer:
        if how == "container" or (how is None and docker_answers()):
            return ContainerServer(kind, self.folder, self._state)
        settings = self._settings.get(kind.name, {})
        return _PROCESSES[kind.name](self.folder, self._state, settings, brief=self._brief, quick=self._quick)

    def _started(self, server: Server) -> bool:
        return isinstance(server, EnvServer) or self._state.read(server.name) is not None

    def _bring_up(self, server: Server) -> bool | StackError:
        began = time.monotonic()
        try:
            if self._started(server) and server.running:
                if not server.answers():
                    # Still starting, or left paused by a test that was killed.
                    server.resume()
                    server.wait_ready()
                self._say(f"{server.name:14} runs at {server.address}")
                return False
            if not server.ours:
                raise StackError(f"{server.name}: nothing answers at {server.address} ({server.kind.setting})")
            self._say(f"{server.name:14} starting at {server.address}")
            server.start()
            server.wait_ready()
        except StackError as error:
            return error
        self._say(f"{server.name:14} ready after {time.monotonic() - began:.1f} s")
        return True

    def _status(self, server: Server) -> str:
        if not self._started(server):
            return "never started"
        if not server.running:
            return f"stopped, {server.address}"
        process = f", pid {server.pid}" if server.pid else ""
        return f"{'runs' if server.answers() else 'DOES NOT ANSWER'}, {server.address}{process}"
