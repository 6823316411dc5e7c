"""Whatever the file, every row is accounted for, columns keep their fields, and exit codes are as documented."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support.campaign_seed import campaign_seed
from tests.support.random_files import RandomFile, broken_file, csv_file, json_file, random_table
from tests.support.service.rest import unique

Amp = Callable[..., Result]
#: Number of files of each of the three tests; `make test-import` takes 500.
_FILES = int(os.environ.get("AMP_IMPORT_FILES", "60"))


@pytest.fixture
def rng() -> random.Random:
    seed = campaign_seed("AMP_IMPORT_SEED")
    seed.tell(f"{_FILES} files")
    return random.Random(seed.value)


def imported(amp: Amp, folder: Path, file: RandomFile, *options: str, broken: bool = False) -> dict[str, Any]:
    """Import the file, check what holds for every import, and return the report; empty if it was refused."""
    path = folder / file.name
    path.write_bytes(file.content)
    rejected = folder / "rejected"
    rejected.unlink(missing_ok=True)
    args = [path, "--type", unique("t"), "--infer", "--json", "--rejected", rejected, *file.options, *options]
    result = amp("import", *args)
    shown = f"{args}\n{file.content!r}\n{result.output}"
    assert result.exception is None or isinstance(result.exception, SystemExit), shown
    assert "Traceback" not in result.output, shown
    if result.exit_code == 2:
        assert broken, shown
        assert result.stderr.startswith("Error: "), shown
        return {}
    report: dict[str, Any] = json.loads(result.stdout)
    settled = sum(report[name] for name in ("created", "updated", "unchanged", "skipped", "rejected", "left"))
    assert settled == report["rows"], shown
    assert result.exit_code == (1 if report["rejected"] else 0), shown
    written = rejected.read_text().splitlines() if rejected.exists() else []
    assert len(written) == report["rejected"], shown
    return report


@pytest.mark.timeout(3_600)  # as a campaign
@pytest.mark.parametrize("write", [csv_file, json_file])
def test_every_row_of_a_random_file_is_imported_or_rejected(
    amp: Amp, tmp_path: Path, rng: random.Random, write: Callable[..., RandomFile]
) -> None:
    for _ in range(_FILES):
        file = write(rng, random_table(rng))
        report = imported(amp, tmp_path, file)
        assert report["rows"] == file.rows, file
        if write is csv_file:
            assert report["rejected"] == 0, file


@pytest.mark.timeout(3_600)  # as a campaign
def test_a_broken_file_is_refused_or_accounted_for(amp: Amp, tmp_path: Path, rng: random.Random) -> None:
    for _ in range(_FILES):
        imported(amp, tmp_path, broken_file(rng, random_table(rng)), broken=True)


@pytest.mark.timeout(3_600)  # as a campaign
def test_columns_get_the_same_fields_in_every_order(amp: Amp, tmp_path: Path, rng: random.Random) -> None:
    for _ in range(_FILES):
        table = random_table(rng)
        first, second = (
            imported(amp, tmp_path, csv_file(rng, variant), "--dry-run") for variant in (table, table.permuted(rng))
        )
        assert first["columns"] == second["columns"], table
        assert first["fields"] == second["fields"], table
