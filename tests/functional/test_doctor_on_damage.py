"""`amp doctor` prints settings and parts above all where something is wrong, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.functional.amp_command import amp_command
from tests.functional.wired import wired


def _removed(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with wired({"data_dir": tmp_path / "data"}) as world:
        world.create("one")
        world.index(*world.events(1))
    return tmp_path / "data"


def doctor(folder: Path) -> dict[str, Any]:
    result = amp_command("doctor", "--json", env={"AMP_DATA_DIR": folder})
    assert result.exit_code == 1
    report: dict[str, Any] = json.loads(result.stdout)
    assert any(setting["variable"] == "AMP_DATA_DIR" for setting in report["settings"])
    assert not report["healthy"]
    return report


@pytest.mark.parametrize(
    ("harm", "reason"), [(_removed, "is missing although"), (_emptied, "is empty"), (_garbage, "is damaged")]
)
def test_a_store_that_cannot_be_opened_is_a_part_that_is_down(
    folder: Path, harm: Callable[[Path], None], reason: str
) -> None:
    harm(folder / "store.db")
    [part] = doctor(folder)["parts"]
    assert (part["name"], part["healthy"]) == ("store", False)
    assert reason in part["detail"]
    assert "AMP_DATA_DIR=" in part["detail"]


def test_a_missing_search_index_is_a_part_that_is_down_and_is_not_made(folder: Path) -> None:
    (folder / "search.db").unlink()
    store, search = doctor(folder)["parts"]
    assert (store["name"], store["healthy"], search["name"], search["healthy"]) == ("store", True, "search", False)
    assert "does not exist: run `amp migrate`" in search["detail"]
    assert not (folder / "search.db").exists()
    steps = amp_command("migrate", "--dry-run", env={"AMP_DATA_DIR": folder})
    assert steps.exit_code == 0
    assert "which is gone" in steps.stdout
    assert not (folder / "search.db").exists()


@pytest.mark.parametrize("harm", [_emptied, _garbage])
def test_a_search_index_that_was_emptied_or_damaged_is_named(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder / "search.db")
    report = doctor(folder)
    search = report["parts"][1]
    assert not search["healthy"] or any("amp serve" in line for line in report["advice"])
