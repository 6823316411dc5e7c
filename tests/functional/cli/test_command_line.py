"""The command line as a whole: help, completion, and settings that are wrong."""

import json
import os
import subprocess
from collections.abc import Iterator

import click
import pytest

from amp.cli.demo import SAMPLE
from amp.cli.main import cli
from tests.support.service.amp_command import AMP, amp_command


def test_a_bad_setting_names_its_variable() -> None:
    result = amp_command("search", "x", env={"AMP_PORT": "many"})
    assert result.exit_code == 1
    assert "AMP_PORT='many'" in result.stderr


def test_the_nested_search_of_the_demo_agrees_with_plain_python() -> None:
    result = amp_command("demo", env={"AMP_URL": "http://127.0.0.1:1", "AMP_PROFILE": "cluster"})
    assert result.exit_code == 0, result.output
    films = json.loads(SAMPLE.read_text())
    right = [f for f in films if f["Major Genre"] == "Drama" and (f["IMDB Rating"] or 0) >= 8]
    assert f"{len(films)} films imported" in result.stdout
    assert f"5 of {len(right)} films" in result.stdout
    best = max(right, key=lambda film: film["IMDB Rating"])
    assert f'"imdb_rating": {best["IMDB Rating"]}' in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_that_of_the_shell(shell: str) -> None:
    result = amp_command("completion", shell, env={})
    assert result.exit_code == 0
    assert "_AMP_COMPLETE" in result.stdout


def test_a_shell_completes_commands() -> None:
    env = os.environ | {"_AMP_COMPLETE": "bash_complete", "COMP_WORDS": "amp mi", "COMP_CWORD": "1"}
    reported = subprocess.run(AMP, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert reported.stdout.split() == ["plain,migrate"]


def _commands(command: click.Command, path: str = "amp") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")


@pytest.mark.parametrize(
    ("path", "command"), list(_commands(cli)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_has_a_help_text(path: str, command: click.Command) -> None:
    assert command.help, path
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{path} {parameter.name}"


def test_an_unknown_command_is_called_the_wrong_way() -> None:
    assert amp_command("serv", env={}).exit_code == 2
