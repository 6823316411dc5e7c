"""The walkthrough of the page about importing prints what the page shows, and the options that it names exist."""

import re
import shlex
from pathlib import Path

import pytest

from tests.support.service.amp_command import amp_command

_PAGE = (Path(__file__).parents[3] / "docs" / "importing.md").read_text()


def _words(text: str) -> list[list[str]]:
    """The words of each line that is not blank."""
    return [line.split() for line in text.splitlines() if line.strip()]


def test_the_walkthrough_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = re.findall(r"```console\n(.*?)```", _PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    cat, *imports = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    name, _, content = cat.removeprefix("cat ").partition("\n")
    (tmp_path / name).write_text(content)
    for part in imports:
        command, _, shown = part.partition("\n")
        result = amp_command(*shlex.split(command)[1:], env={"AMP_DATA_DIR": tmp_path / "data"})
        assert result.exit_code == 0, result.output
        if shown:
            assert _words(result.stdout) == _words(shown)
    assert "2 created" in result.stdout


def test_the_options_of_the_page_exist() -> None:
    options = set(re.findall(r"--[a-z][a-z-]+", amp_command("import", "--help", env={}).stdout))
    assert set(re.findall(r"`[^`]*?(--[a-z][a-z-]+)", _PAGE)) <= options
