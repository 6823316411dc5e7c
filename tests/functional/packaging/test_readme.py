"""Every command in README is run as a reader would run it, and answers in the shape README shows."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.stack.ports import free_ports
from tests.support.stack.waiting import wait_until

ROOT = Path(__file__).parents[3]
_BLOCKS = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def _commands() -> list[tuple[str, str]]:
    """Each command with the output shown under it."""
    found = []
    for block in _BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command.strip(), output.strip()))
    return found


#: Run by the tests below that are about them, or are this very run of the tests.
_ELSEWHERE = {"make run", "make demo", "make up", "make test", ". .stack/env", ".venv/bin/amp migrate"}
_TALKS = [(command, output) for command, output in _commands() if command.startswith(("curl ", ".venv/bin/amp "))]
_TALKS = [(command, output) for command, output in _TALKS if command not in _ELSEWHERE and not command.endswith("&")]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`make run`, and the variables under which a reader's shell finds it."""
    port = free_ports(1)[0]
    variables = os.environ | {"AMP_PORT": str(port), "AMP_DATA_DIR": str(tmp_path / "data"), "AMP_PROFILE": "embedded"}
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        ["make", "run"], cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        wait_until(lambda: server.poll() is not None or _answers(port), 100, "make run does not serve")
        assert server.poll() is None, (tmp_path / "log").read_text()
        yield variables
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_the_commands_of_readme_work_and_answer_as_shown(served: dict[str, str]) -> None:
    assert len(_TALKS) >= 5
    for command, shown in _TALKS:
        here = command.replace("localhost:8080", f"127.0.0.1:{served['AMP_PORT']}")
        done = subprocess.run(here, shell=True, cwd=ROOT, env=served, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if shown:
            assert _shape(_value(done.stdout)) == _shape(_value(shown)), command


def _value(output: str) -> Any:
    """Its JSON, or how its text begins."""
    return json.loads(output) if output.lstrip().startswith(("{", "[")) else output.split()[:5]


def _shape(value: Any) -> Any:
    """What does not differ from one run to the next."""
    match value:
        case dict():
            return {key: _shape(inner) for key, inner in value.items() if key not in ("took_ms", "id")}
        case list():
            return [_shape(inner) for inner in value]
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value) and not value.endswith("T00:00:00.000Z"):
            return "a time"
    return value


def test_the_demo_imports_real_data_and_shows_a_nested_search(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "200 films imported" in done.stdout
    assert '"all": [' in done.stdout
    assert "Schindler's List" in done.stdout
    assert list(tmp_path.iterdir()) == [], "the temporary folder is gone"


def test_every_make_command_of_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", text))
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert named - {"help"} <= set(re.findall(r"make ([a-z-]+)", listed))


@pytest.mark.cluster
def test_the_cluster_profile_runs_as_readme_says(unmade_cluster_settings: dict[str, str], tmp_path: Path) -> None:
    commands = [command for command, _ in _commands()]
    assert [command for command in commands if command.endswith("&")] == [
        ".venv/bin/amp serve &",
        ".venv/bin/amp worker all &",
    ]
    variables = os.environ | unmade_cluster_settings | {"AMP_PORT": str(free_ports(1)[0])}
    subprocess.run(
        [ROOT / ".venv/bin/amp", "migrate"], cwd=ROOT, env=variables, check=True, capture_output=True, timeout=100
    )
    running = []
    log = (tmp_path / "log").open("wb")
    try:
        for kind in (["serve"], ["worker", "all"]):
            command = [str(ROOT / ".venv/bin/amp"), *kind]
            running.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log))
        wait_until(lambda: _answers(int(variables["AMP_PORT"])), 60, "amp serve does not serve")
        for command, _ in _TALKS[:3]:
            here = command.replace("localhost:8080", f"127.0.0.1:{variables['AMP_PORT']}")
            done = subprocess.run(here, shell=True, env=variables, capture_output=True, text=True, timeout=60)
            answer = json.loads(done.stdout)
        assert answer["total"] == 1
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)
        log.close()
