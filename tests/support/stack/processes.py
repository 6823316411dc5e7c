"""Server processes that outlive the command that started them: spawn, recognise, signal."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.stack.errors import StackError
from tests.support.stack.waiting import wait_until

_HAS_PROC = Path("/proc/self/stat").exists()

#: Children of this very process: somebody has to collect them when they end, or they stay as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """A process that leads its own session, by pid and start time; a reused pid is another process."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole process group, because Elasticsearch's launcher starts the server as a child. Do nothing if
        all have ended.
        """
        if not self.gone():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def stop(self, timeout_s: float) -> None:
        """Asks it to end and waits; past `timeout_s` kills it."""
        self.signal(signal.SIGTERM)
        # A paused process receives the request only once it continues.
        self.signal(signal.SIGCONT)
        try:
            wait_until(self.gone, timeout_s, f"process {self.pid} to stop")
        except StackError:
            self.kill()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        wait_until(self.gone, 30, f"process {self.pid} to die")

    def gone(self) -> bool:
        """Neither it nor any process of its group is left."""
        if start_time(self.pid) is not None:
            # A pid is not given out anew while its group has members, so another's process means ours are gone.
            return not self.alive
        return not group_members(self.pid)


def spawn(command: Sequence[str], *, folder: Path, log: Path, env: Mapping[str, str]) -> Process:
    """Starts `command` in `folder` and in a session of its own, its output appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
        )
    # Nobody collected it yet, so it has a start time even if it ended already.
    started = _mark(child.pid) or "ended"
    _children[child.pid] = child
    return Process(child.pid, started)


def most_memory_kb(pid: int) -> int:
    """The most resident memory that a living process had at any time."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def start_time(pid: int) -> str | None:
    """An opaque mark of when the process started; None if it is gone or only waits to be collected."""
    if (child := _children.get(pid)) is not None and child.poll() is not None:
        return None
    fields = _stat(pid)
    return None if fields is not None and _ended(fields) else _mark(pid)


def _mark(pid: int) -> str | None:
    if not _HAS_PROC:
        shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
        status, _, started = shown.stdout.strip().partition(" ")
        return None if not started or status.startswith("Z") else started.strip()
    fields = _stat(pid)
    # Field 22 counts ticks since the machine's start, hence the identity of that start.
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}" if fields else None


def group_members(group: int) -> list[int]:
    """Pids of the living processes in a group, its leader possibly gone."""
    found = []
    for entry in Path("/proc").iterdir() if _HAS_PROC else ():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[2]) == group and not _ended(fields):
                found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may itself hold blanks and brackets.
    return text.rpartition(")")[2].split()


def _ended(fields: list[str]) -> bool:
    # A zombie that still has threads is a server giving back its gigabyte, its ports and files still open.
    return fields[0] in "ZX" and int(fields[17]) <= 1
