"""The `amp` command as tests use it: in this process, and as a server process of its own."""

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner, Result

from amp.cli.main import cli

RUN_AMP = "from amp.cli.main import main; main()"
AMP = [sys.executable, "-c", RUN_AMP]

_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 60.0


def amp_command(*args: object, env: Mapping[str, object], stdin: str | bytes | None = None) -> Result:
    """Run `amp ARGS` in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        variables = {name: str(value) for name, value in env.items()}
        return CliRunner().invoke(cli, [str(arg) for arg in args], env=variables, input=stdin, prog_name="amp")
    finally:
        # The command's logs go to the runner's stderr, which is closed now.
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()


def printed_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@dataclass
class ServerProcess:
    process: subprocess.Popen[str]
    url: str
    banner: str

    def stop(self, number: int) -> int:
        """Its exit code, after that signal."""
        self.process.send_signal(number)
        return self.process.wait(_STOP_DEADLINE_S)


@contextlib.contextmanager
def server_process(env: Mapping[str, object], log: Path, program: str = RUN_AMP) -> Iterator[ServerProcess]:
    """`amp serve` on a free port, killed at the end unless it ended itself."""
    variables = os.environ | {"AMP_PORT": "0"} | {name: str(value) for name, value in env.items()}
    with (
        log.open("a") as stderr,
        spawned([sys.executable, "-c", program, "serve"], env=variables, stderr=stderr) as process,
    ):
        banner = _first_line(process, log)
        yield ServerProcess(process, banner.split()[3], banner)


@contextlib.contextmanager
def spawned(command: list[str], **popen: Any) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **popen)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _first_line(process: "subprocess.Popen[str]", log: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + _START_DEADLINE_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if selector.select(0.1):
                line: str = process.stdout.readline()
                assert line, f"the server ended: {log.read_text()}"
                return line
    raise AssertionError(f"the server said nothing: {log.read_text()}")
