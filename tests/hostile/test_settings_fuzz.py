"""Whatever a setting says, the start either works with it or is refused in a line that names the variable."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.errors import BadSetting
from amp.printable import is_printable
from amp.profiles import cluster, embedded
from amp.settings import Settings, load_settings, variable
from tests.hostile.nasty_values import nasty
from tests.hostile.sizes import count, seeded
from tests.support.background import background_threads
from tests.support.service.amp_command import AMP

_NAMES = sorted(Settings.model_fields)
#: With a server's address the command does not look for one; the port answers nobody.
_NOBODY = {"AMP_URL": "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Relative data folders are made where nobody minds."""
    monkeypatch.chdir(tmp_path)
    yield
    assert len(list(tmp_path.rglob("*"))) < 10_000


def _environment(value: str) -> str:
    """As the environment can carry it: bytes, none of them zero."""
    return os.fsdecode(value.encode("utf-8", "surrogatepass").replace(b"\0", b""))


def _loaded(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> Settings | None:
    """None: refused, as it should be."""
    with monkeypatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        try:
            return load_settings()
        except BadSetting as e:
            message = e.message
    assert any(name in message for name in values), message
    assert is_printable(message), message
    assert len(message) < 1_000, message
    return None


def test_every_value_is_used_or_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = seeded()
    used = 0
    background = background_threads()
    for _ in range(count(800, 20_000)):
        names = [variable(draw.choice(_NAMES)) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
        values = {name: _environment(nasty(draw)) for name in names}
        settings = _loaded(monkeypatch, values)
        if settings is None:
            continue
        used += 1
        # What is accepted must not fail a moment later, where the parts are made of it.
        with closing(cluster(settings, background)):
            pass
        if "AMP_DATA_DIR" in values:
            with contextlib.suppress(BadSetting):
                embedded(settings).close()
    assert used > 10


@pytest.mark.parametrize("command", [["doctor"], ["serve"], ["worker", "all"], ["types", "list"]])
def test_a_process_that_is_started_wrongly_ends_in_a_line(command: list[str], tmp_path: Path) -> None:
    draw = seeded()
    bad = [
        {"AMP_JOB_RETENTION_S": "inf"},
        {"AMP_CASSANDRA_HOSTS": ","},
        {"AMP_PORT": "65536"},
        {"AMP_HOST": "a..b"},
        {"AMP_REDIS_URL": "redis://me:hunter2@h:70000"},
        {"AMP_URL": "http://[::1"},
        {"AMP_DATA_DIR": os.fsdecode(b"\xff")},
    ]
    values = draw.choice(bad)
    done = subprocess.run(
        [*AMP, *command], env=os.environ | _NOBODY | values, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"Error: {next(iter(values))}=")
    assert "hunter2" not in done.stdout + done.stderr
