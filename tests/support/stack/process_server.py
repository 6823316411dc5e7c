"""Servers as plain processes on the loopback interface."""

from __future__ import annotations

import os
import shutil
import signal
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from tests.support.stack.errors import StackError
from tests.support.stack.ports import HOST, free_ports, is_free
from tests.support.stack.processes import Process, spawn
from tests.support.stack.server import Server
from tests.support.stack.state import Entry, State
from tests.support.stack.waiting import wait_until

#: Settings of a server's own configuration, by the names it uses itself.
Settings = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Command:
    """How to start a server."""

    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)


class ProcessServer(Server):
    """The life of a process; its subclasses know what to write and what to run."""

    #: Besides "client".
    more_ports: ClassVar[tuple[str, ...]] = ()
    stop_timeout_s: ClassVar[float] = 30

    def __init__(
        self, folder: Path, state: State, settings: Settings, *, brief: bool = False, quick: bool = False
    ) -> None:
        self.folder = folder / self.kind.name
        self.log = folder / f"{self.kind.name}.log"
        self.settings = settings
        self.brief = brief
        self.quick = quick
        self._state = state

    @abstractmethod
    def prepare(self) -> Command:
        """Fetches the build, writes the configuration for `self.ports`; harmless to repeat on existing data."""

    @property
    def ports(self) -> dict[str, int]:
        return self._entry().ports

    @property
    def host(self) -> str:
        return HOST

    @property
    def port(self) -> int:
        return self.ports["client"]

    @property
    def pid(self) -> int | None:
        process = self._process()
        return process.pid if process is not None and process.alive else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def choose_ports(self) -> None:
        """Keeps the ports it had if they are free; else, and at first, takes others."""
        self._clear_away()
        entry = self._state.read(self.name)
        if entry is None or not all(is_free(port) for port in entry.ports.values()):
            names = ("client", *self.more_ports)
            ports = free_ports(len(names), taken=self._state.ports())
            self._state.write(self.name, Entry(how="process", ports=dict(zip(names, ports, strict=True))))

    def start(self) -> None:
        if self.running:
            return
        self._clear_away()
        wait_until(
            lambda: all(is_free(port) for port in self.ports.values()), 10, f"the ports of {self.name} to become free"
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.prepare()
        process = spawn(command.arguments, folder=self.folder, log=self.log, env=command.env)
        self._state.write(self.name, replace(self._entry(), pid=process.pid, started=process.started))

    def stop(self) -> None:
        if (process := self._process()) is not None:
            process.stop(self.stop_timeout_s)

    def kill(self) -> None:
        if (process := self._process()) is not None:
            process.kill()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def wipe(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        self._state.remove(self.name)

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {os.path.relpath(self.log)}:", *(f"  {line[:300]}" for line in lines[-15:])])

    def _signal(self, number: signal.Signals) -> None:
        process = self._process()
        if process is None or process.gone():
            raise StackError(f"{self.name} is not running")
        process.signal(number)

    def _clear_away(self) -> None:
        """A launcher that died alone leaves the server behind, which holds the ports and the data."""
        if (last := self._process()) is not None and not last.alive:
            last.kill()

    def _process(self) -> Process | None:
        entry = self._state.read(self.name)
        if entry is None or entry.pid is None or entry.started is None:
            return None
        return Process(entry.pid, entry.started)

    def _entry(self) -> Entry:
        if (entry := self._state.read(self.name)) is None:
            # Only asked for by those who use a server by itself, without its stack's `up`.
            self.choose_ports()
            return self._entry()
        return entry
