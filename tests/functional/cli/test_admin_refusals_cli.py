"""`amp admin` over assets: what makes no sense is refused, and a job over no assets completes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.support.service.amp_command import amp_command

Amp = Callable[..., Result]


def printed(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Amp:
    """`amp admin` on a folder without assets."""
    folder = tmp_path_factory.mktemp("empty")
    printed(amp_command("migrate", env={"AMP_DATA_DIR": folder}))
    return lambda *args, **more: amp_command("admin", *args, env={"AMP_DATA_DIR": folder}, **more)


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        (("backfill",), 2, "select assets with --all, --type"),
        (("delete", "--yes"), 2, "select assets with"),
        (("check", "--deep"), 2, "select assets with"),
        (("backfill", "--all", "--rate", "5", "--unthrottled"), 2, "cannot be combined"),
        (("backfill", "--all", "--rate", "fast"), 2, "--rate"),
        (("backfill", "--ids", "/no/such/file"), 2, "does not exist"),
        (("backfill", "--ids", "-"), 2, "contains no ids"),
        (("backfill", "--all", "--dry-run"), 2, "--dry-run"),
        (("check", "--all", "--dry-run"), 2, "--dry-run"),
        (("update", "--all", "--set", "codec"), 2, "not of the form KEY=VALUE"),
        (("update", "--all", "--rename", "=b"), 2, "not of the form KEY=VALUE"),
        (("update", "--all", "--set", "a=1", "--set", "a=2"), 2, "--set names 'a' twice"),
        (("update", "--all", "--copy", "a=b", "--copy", "a=c"), 2, "--copy names 'a' twice"),
        (("update", "--all"), 1, "contains no update"),
        (("update", "--all", "--set", "codec=x"), 1, "/parameters/set/codec: no asset type has a field 'codec'"),
        (("backfill", "--all", "--type", "clip"), 1, "all cannot be combined with type"),
        (("backfill", "--type", "clip"), 1, "there is no asset type 'clip'"),
        (("backfill", "--from", "2020-01-02", "--to", "2020-01-01"), 1, "/selector/created/to"),
        (("backfill", "--from", "yesterday"), 1, "/selector/created/from"),
        (("backfill", "--query", "("), 1, "/selector/query"),
        (("backfill", "--all", "--rate", "0"), 2, "--rate"),
        (("backfill", "--all", "--sample", "0"), 1, "/sample"),
        (("restore", "--query", "x"), 1, "a search finds no deleted assets"),
        (("purge", "--query", "x", "--yes"), 1, "a search finds no deleted assets"),
        (("purge", "--all", "--deleted-for", "-1", "--yes"), 2, "--deleted-for"),
        (("dead-letters", "replay"), 2, "select dead letters with"),
        (("dead-letters", "discard"), 2, "select dead letters with"),
        (("dead-letters", "discard", "nonsense"), 1, "/ids/0"),
        (("dead-letters", "replay", "--all", "--reason", "x"), 1, "all cannot be combined with reason"),
        (("dead-letters", "show", "nonsense"), 1, "there is no dead letter"),
        (("dead-letters", "list", "--job", "nonsense"), 1, "must be a UUID"),
        (("jobs", "results", "nonsense"), 1, "there is no job"),
    ],
)
def test_what_makes_no_sense_is_refused(empty: Amp, args: tuple[str, ...], code: int, why: str) -> None:
    result = empty(*args, stdin="")
    assert result.exit_code == code, result.output
    assert why in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_no_list_of_ids_is_refused_by_the_place(empty: Amp, tmp_path: Path) -> None:
    listed = tmp_path / "ids"
    listed.write_bytes(b"\xff\xfe\x00binary\n")
    result = empty("backfill", "--ids", listed)
    assert result.exit_code == 1, result.output
    assert "/selector/ids/0" in result.stderr


def test_over_no_assets_a_job_completes_at_once(empty: Amp) -> None:
    assert printed(empty("backfill", "--all")) == "reindex completed: 0 assets\n"
    assert printed(empty("check", "--all")) == "check completed: 0 assets\n"
