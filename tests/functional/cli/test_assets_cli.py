"""`amp show`, `edit`, `delete` and `restore` read and change one asset, by its id or its external id."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support.service.amp_command import amp_command, printed_json, server_process
from tests.support.service.rest import unique

Amp = Callable[..., Result]


@pytest.fixture(scope="module")
def amp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amp]:
    """The command, talking to a server of its own."""
    folder = tmp_path_factory.mktemp("server")
    with server_process({"AMP_DATA_DIR": folder / "data"}, folder / "log") as server:
        yield lambda *args, env=None, **more: amp_command(*args, env={"AMP_URL": server.url} | (env or {}), **more)


@pytest.fixture
def clip(amp: Amp, tmp_path: Path) -> dict[str, Any]:
    """An asset with the external id `a/b` in a project of its own."""
    file, project = tmp_path / "clips.csv", unique("team")
    file.write_text("id,name,codec\na/b,Harbour,h264\n")
    options = ("--type", unique("clip"), "--infer", "--id-field", "id", "--project", project)
    printed_json(amp("import", file, *options, "--json"))
    found: dict[str, Any] = printed_json(amp("show", "a/b", "--project", project, "--json"))
    return found


def test_an_asset_is_shown_by_its_id_and_by_its_external_id(amp: Amp, clip: dict[str, Any]) -> None:
    assert clip["external_id"] == "a/b"
    assert printed_json(amp("show", clip["id"], "--json")) == clip
    shown = amp("show", clip["id"]).stdout
    assert all(text in shown for text in ("Harbour", clip["id"], "metadata.codec", "h264"))
    assert "no asset with the external id 'x'" in amp("show", "x", "--project", clip["project"]).stderr
    result = amp("show", "x")
    assert (result.exit_code, "x is not an asset id; --project finds an external id" in result.stderr) == (2, True)


def test_options_change_an_asset(amp: Amp, clip: dict[str, Any]) -> None:
    edited = printed_json(
        amp("edit", clip["id"], "--name", "Port", "--set", "codec=hevc", "--remove", "id", "--label", "new", "--json")
    )
    assert (edited["name"], edited["metadata"], edited["labels"]) == (
        "Port",
        {"name": "Harbour", "codec": "hevc"},
        ["new"],
    )
    edited = printed_json(amp("edit", "a/b", "--project", clip["project"], "--unlabel", "new", "--json"))
    assert edited["labels"] == []
    assert "nothing changed" in amp("edit", clip["id"], "--unlabel", "new").stderr
    refused = amp("edit", clip["id"], "--set", "size=1")
    assert (refused.exit_code, "has no field 'size'" in refused.stderr) == (1, True)
    assert amp("edit", clip["id"], "--remove", "size").exit_code == 2


def _editor(folder: Path, program: str) -> dict[str, str]:
    """An editor that runs a Python program on the text of the file."""
    script = folder / "editor.py"
    script.write_text(
        f"import sys, pathlib\np = pathlib.Path(sys.argv[1])\nt = p.read_text()\n{program}\np.write_text(t)"
    )
    return {"EDITOR": f"{sys.executable} {script}"}


def test_an_editor_changes_an_asset(amp: Amp, clip: dict[str, Any], tmp_path: Path) -> None:
    result = amp("edit", clip["id"], "--json", env=_editor(tmp_path, "t = t.replace('Harbour', 'Häfen')"))
    assert printed_json(result)["metadata"]["name"] == "Häfen"
    broken = amp("edit", clip["id"], env=_editor(tmp_path, "t = t[:-5]"))
    assert broken.exit_code == 1
    assert "nothing was changed, because the text is not JSON" in broken.stderr
    assert "Häfen" in broken.stderr


def test_a_change_by_somebody_else_is_not_overwritten(amp: Amp, clip: dict[str, Any], tmp_path: Path) -> None:
    other = json.dumps(["-c", "from amp.cli.main import main; main()", "edit", clip["id"], "--name", "theirs"])
    program = f"import subprocess, json\nsubprocess.run([sys.executable, *json.loads({other!r})], check=True)"
    program += "\nt = t.replace('Harbour', 'mine')"
    result = amp("edit", clip["id"], env=_editor(tmp_path, program))
    assert result.exit_code == 1
    assert "is at revision 2" in result.stderr
    assert printed_json(amp("show", clip["id"], "--json"))["name"] == "theirs"


def test_an_asset_is_deleted_after_a_question_and_restored(amp: Amp, clip: dict[str, Any]) -> None:
    refused = amp("delete", clip["id"], stdin="n\n")
    assert (refused.exit_code, "'Harbour'?" in refused.stderr) == (1, True)
    assert amp("delete", "a/b", "--project", clip["project"], "--yes").stdout == f"deleted {clip['id']}\n"
    assert printed_json(amp("show", clip["id"], "--json"))["state"] == "deleted"
    assert "deleted already" in amp("delete", clip["id"], "--yes").stdout
    assert "amp restore restores it" in amp("edit", clip["id"], "--name", "x").stderr
    assert printed_json(amp("restore", clip["id"], "--json"))["state"] == "active"
