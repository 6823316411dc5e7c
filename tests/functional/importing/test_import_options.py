"""`amp import` takes several files, shows what it would do, and changes nothing if it imports nothing."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from amp.cli.demo import SAMPLE
from tests.support.service.amp_command import printed_json

Amp = Callable[..., Result]
_CASES = Path(__file__).parent / "cases"


def test_a_binary_file_is_refused_and_registers_nothing(amp: Amp, type_name: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    result = amp("import", tmp_path / "x.csv", "--type", type_name, "--infer")
    assert (result.exit_code, "a JPEG image" in result.stderr) == (2, True)
    assert amp("types", "show", type_name).exit_code == 1


@pytest.mark.parametrize("content", ["", "\n\n", "a,b\n", '"x" y\n'])
def test_a_file_without_rows_registers_nothing(amp: Amp, type_name: str, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    result = amp("import", tmp_path / "x.csv", "--type", type_name, "--infer")
    assert result.exit_code == (2 if "x" in content else 0)
    assert amp("types", "show", type_name).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]


def test_rows_of_deleted_assets_are_rejected_or_restored(amp: Amp, type_name: str) -> None:
    def run(*options: str) -> Result:
        rejected = ("--rejected", "/dev/null")
        return amp("import", _CASES / "55-plain.csv", "--type", type_name, "--infer", *rejected, *options)

    assert printed_json(run("--json"))["created"] == 2
    assert amp("admin", "delete", "--type", type_name, "--yes", "--follow").exit_code == 0
    result = run("--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["rejected"], report["of_deleted_assets"]) == (1, 2, 2)
    assert "2 belong to deleted assets; --on-existing restore restores them" in run().stdout
    report = printed_json(run("--json", "--on-existing", "restore"))
    assert (report["updated"], report["rejected"]) == (2, 0)


def test_a_dry_run_shows_what_would_be_and_changes_nothing(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("name,size\na,1\nb,2,3\nc,4\n")
    result = amp("import", file, "--type", type_name, "--infer", "--dry-run")
    assert result.exit_code == 1
    assert "not registered" in result.stdout
    assert '"name": "a", "metadata": {"name": "a", "size": 1}' in result.stdout
    assert "has 3 cells; the header has 2" in result.stdout
    assert "2 of 3 rows fit the type, 1 would be rejected; nothing was changed" in result.stdout
    assert amp("types", "show", type_name).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]


def test_several_files_and_patterns_are_one_import(amp: Amp, type_name: str, tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("title,size\nA,1\n")
    (tmp_path / "2.csv").write_text("size;title\n2.5;B\n")
    with gzip.open(tmp_path / "3.ndjson.gz", "wt") as file:
        file.write('{"title": "C"}\nbroken\n')
    rejected = tmp_path / "rejected"
    pattern = str(tmp_path / "*.csv")
    args = ["import", pattern, tmp_path / "3.ndjson.gz", "-", "--type", type_name, "--infer", "--json"]
    result = amp(*args, "--rejected", rejected, stdin='[{"title": "D", "size": 3}]')
    report = json.loads(result.stdout)
    assert (result.exit_code, report["created"], report["rejected"]) == (1, 4, 1)
    assert report["fields"]["size"] == {"type": "double"}
    (line,) = map(json.loads, rejected.read_text().splitlines())
    assert (Path(line["file"]).name, line["line"]) == ("3.ndjson.gz", 2)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["nowhere.json", "--type", "film"], "nowhere.json: No such file or directory"),
        (["nowhere*.json", "--type", "film"], "nowhere*.json: no file matches"),
        ([SAMPLE, SAMPLE, "--type", "film"], "is named twice"),
        ([SAMPLE, "--type", "9 lives", "--infer"], "the name of a type must start with a letter"),
        ([SAMPLE, "--type", "film", "--infer", "--id-field", "Titel"], "no column 'Titel'; did you mean 'Title'?"),
        ([SAMPLE, "--type", "film", "--infer", "--null", "Sours=x"], "no column 'Sours'; did you mean 'Source'?"),
        ([SAMPLE, "--type", "film", "--delimiter", "xx"], "'xx' is not a delimiter"),
    ],
)
def test_an_import_that_cannot_begin_says_why(amp: Amp, args: list[object], reason: str) -> None:
    result = amp("import", *args)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_type_that_does_not_exist_is_named_with_the_option(amp: Amp) -> None:
    result = amp("import", SAMPLE, "--type", "nosuchtype")
    assert result.exit_code == 1
    assert "there is no asset type 'nosuchtype'; use --infer to register it" in result.stderr


def test_rejected_rows_are_imported_from_their_file_once_the_cause_is_gone(
    amp: Amp, type_name: str, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("name,size\na,1\n")
    bad.write_text('name,size,note\nb,2,007\nc,3,\nd,"4" x,\n')
    printed_json(amp("import", good, "--type", type_name, "--infer", "--json"))
    first = amp("import", bad, "--type", type_name, "--json")
    report = json.loads(first.stdout)
    assert (first.exit_code, report["created"], report["rejected"]) == (1, 1, 2)
    again = amp("import", report["rejected_file"], "--type", type_name, "--infer", "--json")
    report = json.loads(again.stdout)
    assert report["files"][0]["read_as"] == "ndjson, rejected rows, utf-8"
    assert (again.exit_code, report["created"], report["rejected"]) == (1, 1, 1)
    assert "could not be read: is not CSV" in report["rejected_rows"][0]["reason"]
    assert report["fields"]["note"]["type"] == "string"
    # The asset of a row has the same external id as if the row had been imported at once.
    whole = json.loads(amp("import", bad, "--type", type_name, "--rejected", "/dev/null", "--json").stdout)
    assert (whole["created"], whole["skipped"], whole["rejected"]) == (0, 2, 1)


def test_a_type_is_chosen_for_new_fields_only(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("name,price\na,1.50\n")
    options = ("--type", type_name, "--as", "price=double")
    assert "--as chooses the types of new fields, so it needs --infer" in _refused(amp, file, type_name, *options)
    assert printed_json(amp("import", file, "--infer", *options, "--json"))["fields"]["price"] == {"type": "double"}
    declared = amp("import", file, "--infer", *options)
    assert declared.exit_code == 2
    assert "the field 'price' of the column 'price' is declared already" in declared.stderr


def _refused(amp: Amp, file: Path, type_name: str, *options: str) -> str:
    """What is said of an import without --infer, into a type that exists."""
    good = file.with_name("good.csv")
    good.write_text("name\na\n")
    printed_json(amp("import", good, "--type", type_name, "--infer", "--json"))
    result = amp("import", file, *options)
    assert result.exit_code == 2
    return str(result.stderr)


def test_a_header_of_any_text_becomes_a_label_that_can_be_stored(amp: Amp, type_name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps([{"a\x00b": 1, "c\ud800": 2, "é" * 2000: 3}]))
    report = printed_json(amp("import", file, "--type", type_name, "--infer", "--json"))
    assert report["created"] == 1
    labels = [declared.get("label") for declared in report["fields"].values()]
    assert labels[:2] == ["a\ufffdb", "c\ufffd"]
    assert labels[2] == "é" * 512
