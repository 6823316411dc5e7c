"""`amp doctor` prints settings and parts above all where something is wrong, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.service.amp_command import amp_command
from tests.support.service.wired import wired


def _removed(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with wired({"data_dir": tmp_path / "data"}) as environment:
        environment.create("one")
        environment.index(*environment.events(1))
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
    assert "which is lost" in steps.stdout
    assert not (folder / "search.db").exists()


def test_a_search_index_that_was_damaged_is_a_part_that_is_down(folder: Path) -> None:
    _garbage(folder / "search.db")
    store, search = doctor(folder)["parts"]
    assert (store["name"], store["healthy"], search["name"], search["healthy"]) == ("store", True, "search", False)
    assert "cannot be read" in search["detail"]


def test_an_emptied_search_index_is_reported_with_buckets_and_the_remedy(folder: Path) -> None:
    _emptied(folder / "search.db")
    report = doctor(folder)
    assert [part["name"] for part in report["parts"] if not part["healthy"]] == ["buckets"]
    assert any("pending until `amp serve` runs" in line for line in report["advice"])
