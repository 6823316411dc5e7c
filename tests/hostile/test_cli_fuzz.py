"""Whatever a command is given, it ends with exit code 0, 1 or 2 and a line that says why, never with a traceback."""

import contextlib
import os
import random
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from amp.cli import admin_jobs, admin_layout, connection
from amp.cli.client import AmpClient
from amp.cli.follow import JobFailed
from amp.cli.main import cli
from amp.printable import is_printable
from amp.settings import load_settings
from tests.hostile.nasty_values import JSON_TEXTS, NUMBERS, TIMES, nasty
from tests.hostile.sizes import count, seeded
from tests.support.service.amp_command import AMP, amp_command

#: They serve until they are stopped, or take seconds and no input.
_LEFT_OUT = {"serve", "demo", "completion"}
_ROWS = [
    '{"name": "a", "size": 1}', "{", "[1]", '{"name": "\\ud800"}', '{"a": NaN}', '{"": 1}', '{"a": {"a": [[]]}}',
    '[{"a": 1}] [', "a,b\n1\n", 'a,"b\n', '{"a": %s}' % ("9" * 5000), '{"a":' * 2000, "", "\x00", "\ufeff[]",
    "a\n" * 50,
]  # fmt: skip


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if name in _LEFT_OUT:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        yield (*path, name), command


_COMMANDS = list(_commands(cli))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AmpClient]:
    """The whole service in this process, with a few assets, as if it were a server."""
    settings = load_settings({"data_dir": tmp_path_factory.mktemp("fuzz") / "data"})
    with connection.in_process(settings) as found:
        found.call("POST", "/v1/types", body={"name": "clip", "fields": {"size": {"type": "long"}}})
        for i in range(3):
            found.call("POST", "/v1/assets", body={"type": "clip", "name": f"c{i}\x1b[2J", "metadata": {"size": i}})
        yield AmpClient(found._http, "the service of this test")


@pytest.fixture
def here(client: AmpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the files of commands, which talk to `client` and watch no job."""

    def not_followed(*_: object, **__: object) -> Any:
        raise JobFailed("the job goes on")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connection, "server_client", lambda _: AmpClient(_Shared(client._http), client.where))
    monkeypatch.setattr(admin_jobs, "follow", not_followed)
    monkeypatch.setattr(admin_layout, "follow", not_followed)
    monkeypatch.setattr(admin_layout, "wait_for_other", not_followed)
    for i, text in enumerate(_ROWS):
        (tmp_path / f"rows{i}").write_bytes(text.encode("utf-8", "surrogatepass"))
    return tmp_path


class _Shared:
    """Commands close their client; the next one needs it again."""

    def __init__(self, http: Any) -> None:
        self.request = http.request

    def close(self) -> None: ...


def _value(draw: random.Random, option: click.Parameter) -> str:
    match option.type:
        case click.Choice() if draw.random() < 0.8:
            return str(draw.choice(option.type.choices))
        case click.File() | click.Path():
            name = draw.choice(["-", *(f"rows{i}" for i in range(len(_ROWS)))])
            # A nasty name stays within the folder of the test.
            return name if draw.random() < 0.8 else nasty(draw).replace("/", "_").replace("..", "_")
        case click.types.FloatParamType() | click.types.IntParamType():
            return draw.choice(NUMBERS)
    return draw.choice([nasty(draw), draw.choice(JSON_TEXTS), draw.choice(TIMES), "clip", "a=1", "19700101000000"])


def _arguments(draw: random.Random, command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            for _ in range(draw.choice([1, 1, 1, 0, 2])):
                yield _value(draw, parameter)
        elif isinstance(parameter, click.Option) and draw.random() < (0.9 if parameter.required else 0.3):
            yield parameter.opts[0]
            if not parameter.is_flag:
                yield _value(draw, parameter)
    if command.name == "worker" or draw.random() < 0.02:
        yield nasty(draw)


def _as_argument(text: str) -> str:
    return os.fsdecode(text.encode("utf-8", "surrogatepass").replace(b"\0", b""))


def test_no_arguments_of_any_command_end_in_a_traceback(here: Path) -> None:
    draw = seeded()
    codes = {0: 0, 1: 0, 2: 0}
    for _ in range(count(250, 10_000)):
        path, command = draw.choice(_COMMANDS)
        args = [*path, *map(_as_argument, _arguments(draw, command))]
        stdin = draw.choice(_ROWS).encode("utf-8", "surrogatepass")
        result = amp_command(*args, env={"AMP_DATA_DIR": here / "data"}, stdin=stdin)
        said = "" if result.exc_info is None else "".join(traceback.format_exception(*result.exc_info))
        assert isinstance(result.exception, SystemExit | None), (args, said[-3_000:])
        assert result.exit_code in codes, (args, result.output)
        # What is asked for is echoed by the runner itself.
        assert "[y/N]" in result.output or is_printable(result.output.replace("\n", "")), (args, result.output)
        codes[result.exit_code] += 1
        with contextlib.suppress(FileNotFoundError):
            (here / "data" / "server.url").unlink()
    assert min(codes.values()) > 5, codes


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["admin", "backfill", "--all", "--rate", "nan"], "is not a finite number"),
        (["admin", "buckets", "split", "19700101000000", "--rate", "inf"], "is not in the range"),
        (["types", "show", os.fsdecode(b"\xff")], "is not UTF-8 text"),
        (["search", os.fsdecode(b"\xff")], "is not UTF-8 text"),
        (["search", '{"field": "name", "eq": "\\ud800"}'], "contains text that is not UTF-8"),
        (["search", '{"q": "x", "sort": [1]}'], "Error: "),
        (["admin", "update", "--all", "--set", "a=\ud800"], "contains text that is not UTF-8"),
        (
            ["admin", "buckets", "init", "--every", "day", "--from", "0001-01-01", "--to", "9999-12-31"],
            "more than 10,000",
        ),
        (["admin", "jobs", "show", ".."], "is not a valid name"),
        (["import", "rows0", "--type", "clip", "--project", os.fsdecode(b"\xff")], "is not UTF-8 text"),
        (["import", "rows0", "--type", "clip", "--rejected", "x" * 5_000], "File name too long"),
        (["import", "x" * 5_000, "--type", "clip"], "File name too long"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_ended_in_a_traceback_is_refused_in_words(args: list[str], reason: str) -> None:
    result = amp_command(*args, env={})
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    assert reason in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["types", "show", b"\xff"],
        ["import", b"no\xffwhere", "--type", "x"],
        ["admin", "backfill", "--all", "--rate", "nan"],
        ["serve", "--host", "a..b"],
        [b"\x1b[2J"],
    ],
)
def test_a_command_of_its_own_process_ends_in_a_line(args: list[Any], tmp_path: Path) -> None:
    env = os.environ | {"AMP_URL": "http://127.0.0.1:1", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*AMP, *args], env=env, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert b"Error: " in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr
