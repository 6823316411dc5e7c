"""The requests of the page about writing can be run in its order, and do what it says."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support.service.amp_command import server_process

_PAGE = Path(__file__).parents[3] / "docs" / "writing.md"


def _commands() -> list[tuple[str, str]]:
    """Each command, and the output that the page shows below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", _PAGE.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            *lines, last = part.rstrip("\n").split("\n")
            shown = last if lines and not last.startswith(" ") else ""
            found.append(("\n".join(lines) if shown else part.strip(), shown))
    return found


def test_the_requests_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    commands = _commands()
    assert len(commands) == 9
    answers: list[Any] = []
    with server_process({"AMP_DATA_DIR": tmp_path / "data"}, tmp_path / "log") as server:
        asset_id = ""
        for command, shown in commands:
            here = command.replace("localhost:8080", server.url.removeprefix("http://")).replace("/ID", f"/{asset_id}")
            done = subprocess.run(here, shell=True, env=os.environ, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            if shown:
                assert done.stdout.strip() == shown, command
                continue
            answers.append(json.loads(done.stdout))
            asset_id = asset_id or answers[-1].get("id", "")
    _, created, replaced, read, first, again, patched, bulk = answers
    assert created["id"] == replaced["id"] == read["id"]
    assert (created["revision"], replaced["revision"], replaced["metadata"]["codec"]) == (1, 2, "h264")
    assert first["id"] == again["id"]
    assert (patched["metadata"], patched["labels"]) == ({"codec": "h264", "width": 3840}, ["uhd"])
    assert [item["status"] for item in bulk["items"]] == [201, 422]
