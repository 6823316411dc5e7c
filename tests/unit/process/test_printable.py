"""What data holds is displayed, never obeyed."""

import ast
import io
import json
import logging
import sys
import unicodedata
from pathlib import Path

import click
import pytest
import structlog
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from amp.cli import output
from amp.cli.client import ServiceError
from amp.cli.main import cli
from amp.logs import configure_logging
from amp.printable import is_printable, printable, printable_json, printable_lines

_EVIL = "\x1b[2J\x9b31m\x07\r\x7f\u202e\u2028\udcff"
_CLI = Path(output.__file__).parent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, größer, 映画, 👩‍👩‍👧, e\u0301", "plain, größer, 映画, 👩‍👩‍👧, e\u0301"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b\x7f\x00", "\\x9b\\x7f\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_a_terminal_obeys_is_written_as_an_escape(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(st.characters()))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = printable(text)
    assert is_printable(shown)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert printable_lines(text).split("\n") == [printable(line) for line in text.split("\n")]
    shown.encode()


@given(st.recursive(st.text(st.characters()), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_is_the_same_value(value: object) -> None:
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert is_printable(text.replace("\n", ""))


def test_tables_lines_and_json_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table((_EVIL,), [(_EVIL,), ([_EVIL, {"a": _EVIL}],)], title=_EVIL)
    output.echo(_EVIL)
    output.echo_block("name", f"{_EVIL}\nstate: forged")
    output.print_json({"a": _EVIL})
    output.print_json_line([_EVIL])
    printed = capsys.readouterr().out
    assert is_printable(printed.replace("\n", ""))
    assert "\nstate: forged" not in printed


def test_errors_hold_no_control_characters_and_forge_no_lines() -> None:
    message = ServiceError(422, {"detail": f"{_EVIL}\nline", "errors": [{"pointer": "/\n", "detail": _EVIL}]}).message
    assert is_printable(message.replace("\n", ""))
    assert len(message.split("\n")) == 2


@pytest.mark.parametrize(
    "args",
    [
        ["import", f"nowhere{_EVIL}", "--type", "t"],
        ["types", "create", f"nowhere{_EVIL}"],
        [f"no{_EVIL}"],
        ["search", f"--no{_EVIL}"],
        ["admin", "update", "--all", "--set", _EVIL],
        ["admin", "buckets", "init", "--every", _EVIL],
        ["completion", _EVIL],
    ],
)
def test_what_the_shell_gives_is_quoted_without_control_characters(args: list[str]) -> None:
    result = CliRunner().invoke(cli, args, prog_name="amp")
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert is_printable(result.output.replace("\n", ""))
    assert "Error: " in result.stderr


def test_every_command_prints_through_one_module() -> None:
    for path in _CLI.glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        direct = [ast.unparse(call) for call in calls if ast.unparse(call) in ("print", "click.echo", "click.secho")]
        # The first is that module; a shell reads what the second prints; the third ends the line of a ^C.
        assert not direct or path.name in ("output.py", "completion.py", "follow.py", "main.py")


def test_logs_on_a_terminal_hold_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    class Custom:
        def __repr__(self) -> str:
            return _EVIL

    terminal = Terminal()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stderr", terminal)
    try:
        configure_logging("info")
        log = structlog.get_logger("amp.here")
        try:
            raise ValueError(f"{_EVIL}\nmore")
        except ValueError:
            log.exception(_EVIL, reason=_EVIL, value=Custom(), number=3, **{_EVIL: 1})
        logging.getLogger("amp.there").error("%s", _EVIL, exc_info=ValueError(_EVIL))
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    printed = click.unstyle(terminal.getvalue())
    assert "number=3" in printed
    assert "\x1b[2J" not in terminal.getvalue()
    assert printed.count("\\x1b[2J") >= 6
    assert "Traceback" in printed
    assert is_printable(printed.replace("\n", ""))
