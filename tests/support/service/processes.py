"""The service as the processes that operators run, each of which can be killed and started again."""

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.support.stack.errors import StackError
from tests.support.stack.ports import HOST, free_ports
from tests.support.stack.processes import Process, group_members, most_memory_kb, spawn
from tests.support.stack.waiting import wait_until

_READY_S = 60
#: Of errors nobody translated: a background thread that failed, a request that got a 500.
_UNEXPECTED = ("thread_failed", "unexpected_error")


class AmpProcess:
    """One `amp …` command with the children it makes; its output goes to a log of its own."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        folder: Path,
        env: Mapping[str, str],
        program: Sequence[str] | None = None,
    ) -> None:
        """:param program: another one than `amp`."""
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [*(program or [_amp()]), *arguments]
        self._folder = folder
        self._env = env
        self._current: Process | None = None
        #: Killing a parent alone leaves children behind, which have to be gone in the end.
        self._former: list[Process] = []

    @property
    def running(self) -> bool:
        return self._current is not None and self._current.alive

    def start(self) -> None:
        if not self.running:
            self._current = spawn(self._command, folder=self._folder, log=self.log, env=self._env)

    def kill(self) -> None:
        """SIGKILL to it and its children."""
        for process in self._all():
            process.kill()
        self._former = []

    def kill_parent(self) -> None:
        """SIGKILL to the one process that was started; its children have to notice."""
        process = self._living()
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not process.alive, 10, f"{self.name} to die")
        self._former.append(process)

    def kill_child(self) -> None:
        """SIGKILL to one of its children, if it has any; it has to start another."""
        process = self._living()
        children = [pid for pid in group_members(process.pid) if pid != process.pid]
        if children:
            os.kill(children[0], signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it does nothing until `resume`, and knows of nothing that happened meanwhile."""
        self._living().signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._living().signal(signal.SIGCONT)

    def stop(self, timeout_s: float = 30) -> None:
        for process in self._all():
            process.stop(timeout_s)
        self._former = []

    def most_memory_mb(self) -> float:
        """Resident memory of the one of its processes that had most at some time."""
        return max(most_memory_kb(pid) for pid in group_members(self._living().pid)) / 1024

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log.name}:", *lines[-15:]])

    def _living(self) -> Process:
        assert self._current is not None
        return self._current

    def _all(self) -> list[Process]:
        return [*self._former, *([self._current] if self._current else [])]


def _amp() -> str:
    program = shutil.which("amp", path=str(Path(sys.executable).parent))
    assert program is not None, "the project is not installed beside this Python"
    return program


class Service:
    """`amp serve`, and on the cluster profile each kind of `amp worker` beside."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_ports(1)[0]
        self.url = f"http://{HOST}:{port}"
        #: Settings as environment variables.
        self.env = {"AMP_PORT": str(port), "AMP_LOG_LEVEL": "warning", **env}
        self.api = AmpProcess("api", ["serve"], folder, self.env)
        self.index = AmpProcess("index", ["worker", "index"], folder, self.env)
        self.relay = AmpProcess("relay", ["worker", "relay"], folder, self.env)
        self.bucket = AmpProcess("bucket", ["worker", "bucket"], folder, self.env)
        self.workers = [self.index, self.relay, self.bucket] if env["AMP_PROFILE"] == "cluster" else []

    @property
    def processes(self) -> list[AmpProcess]:
        return [self.api, *self.workers]

    def migrate(self) -> None:
        migration = AmpProcess("migrate", ["migrate"], self.api.log.parent, self.env)
        migration.start()
        wait_until(lambda: not migration.running, 120, "amp migrate")
        assert "error" not in migration.log_tail().lower(), migration.log_tail()

    def start(self) -> None:
        """Starts what does not run, and waits until the API answers."""
        for process in self.processes:
            process.start()
        self.wait_alive()

    def wait_alive(self) -> None:
        try:
            wait_until(lambda: not self.api.running or self.answers(), _READY_S, self.url)
        except StackError as error:
            raise StackError(f"{error}\n{self.api.log_tail()}") from None
        assert self.api.running, self.api.log_tail()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def unexpected_errors(self) -> list[str]:
        """What the processes logged as errors of the program, whatever was down."""
        return [
            line
            for process in self.processes
            for line in process.log.read_text(errors="replace").splitlines()
            if any(f'"action": "{action}"' in line for action in _UNEXPECTED)
        ]

    def kill(self) -> None:
        for process in self.processes:
            process.kill()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
