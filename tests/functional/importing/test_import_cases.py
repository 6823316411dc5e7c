"""Real files that importers of other systems got wrong come in as their owners mean them, or are refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support.service.amp_command import printed_json
from tests.support.service.rest import unique

Amp = Callable[..., Result]
_CASES = Path(__file__).parent / "cases"


@pytest.fixture
def run(amp: Amp, type_name: str, tmp_path: Path) -> Callable[..., Result]:
    """Imports a case into a type of this test."""

    def run_(case: str, *options: str) -> Result:
        file = shutil.copy(_CASES / case, tmp_path / case)
        (tmp_path / f"{case}.rejected.ndjson").unlink(missing_ok=True)
        return amp("import", file, "--type", type_name, "--infer", "--json", *options)

    return run_


@pytest.fixture
def metadata(amp: Amp, type_name: str) -> Callable[[], list[dict[str, Any]]]:
    """The metadata of all assets of the type, sorted by their titles."""

    def metadata_() -> list[dict[str, Any]]:
        result = amp("search", f"type:{type_name}", "--all", "--json")
        found = [json.loads(line)["metadata"] for line in result.stdout.splitlines()]
        return sorted(found, key=lambda values: str(values.get("title")))

    return metadata_


Run = Callable[..., Result]
Metadata = Callable[[], list[dict[str, Any]]]


def rejected_in(tmp_path: Path, case: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / f"{case}.rejected.ndjson").read_text().splitlines()]


def test_columns_keep_their_fields_whatever_their_position(run: Run, metadata: Metadata) -> None:
    first = printed_json(run("30a-nonlatin.csv"))["columns"]
    second = printed_json(run("30b-nonlatin-reordered.csv"))["columns"]
    assert first == second == {"Название": "nazvanie", "Автор": "avtor", "Год": "god"}
    assert {(m["nazvanie"], m["avtor"], m["god"]) for m in metadata()} == {
        ("Река", "Иванов", 1990),
        ("Море", "Петров", 1991),
    }


def test_the_original_name_of_a_column_is_the_label_of_its_field(amp: Amp, run: Run, type_name: str) -> None:
    printed_json(run("30a-nonlatin.csv"))
    fields = printed_json(amp("types", "show", type_name, "--json"))["fields"]
    assert {name: declared["label"] for name, declared in fields.items()} == {
        "nazvanie": "Название",
        "avtor": "Автор",
        "god": "Год",
    }


def test_a_column_that_is_missing_from_a_row_moves_no_other(run: Run, metadata: Metadata) -> None:
    printed_json(run("30e-sparse.ndjson"))
    printed_json(run("30f-sparse.ndjson"))
    assert sorted(m["zuo_zhe"] for m in metadata()) == ["a1", "a2", "a3"]
    assert sorted(m.get("biao_ti", "") for m in metadata()) == ["", "t1", "t3"]


@pytest.mark.parametrize(
    ("case", "separator"),
    [("03-semicolon.csv", "semicolon"), ("03b-tab.tsv", "tab"), ("03c-sep-line.csv", "semicolon")],
)
def test_the_delimiter_is_found_and_reported(run: Run, metadata: Metadata, case: str, separator: str) -> None:
    report = printed_json(run(case))
    assert f"separated by {separator}" in report["files"][0]["read_as"]
    assert metadata()[0] == {"id": 1, "title": "Alpha", "width": 1920}


def test_a_delimiter_that_the_user_names_is_taken(run: Run) -> None:
    assert list(printed_json(run("03-semicolon.csv", "--delimiter", "tab"))["columns"]) == ["id;title;width"]


def test_utf_16_is_decoded(run: Run, metadata: Metadata) -> None:
    printed_json(run("01c-utf16.csv"))
    assert [m["title"] for m in metadata()] == ["Café", "Zürich"]


def test_text_in_another_encoding_is_refused_with_its_place(run: Run, metadata: Metadata) -> None:
    result = run("02-latin1.csv")
    assert result.exit_code == 2
    assert "line 2, byte 20: 0xe9 is not UTF-8" in result.stderr
    assert "--encoding with one of cp1252" in result.stderr
    printed_json(run("02-latin1.csv", "--encoding", "cp1252"))
    assert [m["title"] for m in metadata()] == ["Café de Flore", "Straße"]


def test_gzip_is_read(run: Run, metadata: Metadata) -> None:
    printed_json(run("14b-gz.ndjson.gz"))
    assert len(metadata()) == 1


@pytest.mark.parametrize(("case", "line", "titles"), [("11b-backslash.csv", 3, "ACD"), ("11c-inch.csv", 4, "ABDE")])
def test_a_broken_row_of_csv_costs_only_itself(
    run: Run, metadata: Metadata, tmp_path: Path, case: str, line: int, titles: str
) -> None:
    result = run(case)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["created"] + report["rejected"]) == (1, report["rows"])
    assert [m["title"] for m in metadata()] == list(titles)
    (rejected,) = rejected_in(tmp_path, case)
    assert rejected["line"] == line
    assert "is not CSV" in rejected["reason"]


def test_blank_rows_are_left_out(run: Run, metadata: Metadata) -> None:
    assert printed_json(run("16d-blank-rows.csv"))["rows"] == 2
    assert [m["title"] for m in metadata()] == ["A", "B"]


def test_what_looks_like_an_id_stays_text_and_the_reason_is_given(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("40b-idlike.csv"))
    assert metadata()[0] == {
        "title": "A",
        "ref": "32E0134",
        "acc": "12.1950",
        "ver": "1.10",
        "precise": "0.12345678901234567890",
    }
    assert "read with --as 'ver=double'" in report["kept_as_text"]["ver"]


def test_wrapped_rows_are_refused_with_the_option_that_reads_them(run: Run, metadata: Metadata) -> None:
    result = run("13-wrapped.json")
    assert (result.exit_code, "--rows 'items' imports those" in result.stderr) == (2, True)
    printed_json(run("13-wrapped.json", "--rows", "items"))
    assert [m["title"] for m in metadata()] == ["A", "B", "C"]


def test_objects_in_arrays_become_arrays_of_their_members(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("24-nested.json"))
    first, second = metadata()
    assert first == {
        "title": "A",
        "creators.name": ["X", "Y"],
        "creators.role": ["dir", "ed"],
        "loc.lat": 1.5,
        "loc.lon": 2,
        "tags": ["a", "b"],
        "matrix": ["[1, 2]", "[3, 4]"],
        "mixed": ["1", "two", "true"],
    }
    assert second == {"title": "B", "tags": ["c"], "mixed": ["3"]}
    what = {(a["field"], a["what"]) for a in report["adjustments"]}
    assert ("matrix", "array in an array written as JSON text") in what
    assert ("creators.name", "array of objects written as one array for each member") in what


def test_a_time_without_an_offset_is_a_date_in_the_given_time_zone(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("36-exif.json", "--dry-run"))
    assert report["fields"]["exif_date_time_original"]["type"] == "string"
    assert "--timezone 'EXIF:DateTimeOriginal=UTC'" in report["kept_as_text"]["EXIF:DateTimeOriginal"]
    report = printed_json(run("36-exif.json", "--timezone", "EXIF:DateTimeOriginal=+01:00"))
    assert report["fields"]["exif_date_time_original"]["type"] == "date"
    dates = [m.get("exif_date_time_original") for m in metadata()]
    assert sorted(dates, key=str) == ["2020-02-29T09:11:12.000Z", None]
    assert {"field": "exif_date_time_original", "what": "date of zeros left out", "count": 1} in report["adjustments"]


def test_null_words_are_the_reason_for_text_until_they_are_named(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("08-null-strings.csv", "--dry-run"))
    assert report["kept_as_text"].keys() == {"width", "rating"}
    assert "--null 'width=N/A'" in report["kept_as_text"]["width"]
    words = [option for word in ("N/A", "rating=NULL", "rating=nan", "rating=-") for option in ("--null", word)]
    report = printed_json(run("08-null-strings.csv", *words))
    assert (report["fields"]["width"]["type"], report["fields"]["rating"]["type"]) == ("long", "double")
    assert [m.get("continent") for m in metadata()] == ["NA", "EU", "AS", None]


def test_marks_in_numbers_are_the_reason_for_text_until_they_are_named(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("09-thousands.csv", "--dry-run"))
    assert "--thousands 'gross=,'" in report["kept_as_text"]["gross"]
    assert "--decimal 'weight=,'" in report["kept_as_text"]["weight"]
    printed_json(run("09-thousands.csv", "--thousands", "gross=,", "--decimal", "weight=,"))
    assert metadata()[0] == {"title": "A", "gross": 1234567, "weight": 1234.5, "pct": "45%"}


def test_a_cell_with_several_values_is_split(run: Run, metadata: Metadata) -> None:
    printed_json(run("54-multivalue.csv", "--split", "kw=|"))
    assert [m["kw"] for m in metadata()] == [["a", "b", "c"], ['["x","y"]'], ["a, b"]]


def test_columns_of_one_name_become_an_array(run: Run, metadata: Metadata) -> None:
    printed_json(run("06-dupheader.csv"))
    assert [m["subject"] for m in metadata()] == [["rivers", "night"], ["boats"]]


def test_short_rows_are_filled_up_and_long_ones_rejected(run: Run, metadata: Metadata, tmp_path: Path) -> None:
    result = run("05-ragged.csv")
    assert result.exit_code == 1
    assert [(m["title"], m.get("codec")) for m in metadata()] == [
        ("Fine", "h264"),
        ("Fine2", "av1"),
        ("Short", None),
        ("Trailing", "h264"),
    ]
    (rejected,) = rejected_in(tmp_path, "05-ragged.csv")
    assert (rejected["line"], rejected["reason"]) == (4, "has 4 cells; the header has 3")


def test_cells_and_headers_are_trimmed_and_counted(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("17-spaces.csv"))
    assert metadata() == [{"id": 1, "width": 1920, "title": "Alpha"}, {"id": 2, "width": 1280, "title": "Beta"}]
    assert {a["field"]: a["count"] for a in report["adjustments"]} == {"width": 2, "title": 2}


def test_the_second_row_of_an_id_is_rejected(run: Run, tmp_path: Path) -> None:
    result = run("23-dup-ids.csv", "--id-field", "id", "--project", unique("project"))
    assert result.exit_code == 1
    (rejected,) = rejected_in(tmp_path, "23-dup-ids.csv")
    assert rejected["reason"] == "line 3 has the id of line 2"


def test_dates_are_read_as_far_as_they_are_clear(run: Run, metadata: Metadata) -> None:
    report = printed_json(run("10-dates.csv", "--dry-run"))
    assert {name: declared["type"] for name, declared in report["fields"].items()} == {
        "title": "string",
        "shot": "date",
        "dmy": "string",
        "year": "long",
        "approx": "string",
        "exif": "string",
        "month": "string",
        "us_time": "string",
        "excel": "long",
    }
    assert "--dates 'dmy=dmy'" in report["kept_as_text"]["dmy"]
    assert "--dates 'us_time=mdy'" in report["kept_as_text"]["us_time"]
    printed_json(run("10-dates.csv", "--dates", "dmy", "--dates", "us_time=mdy", "--timezone", "UTC"))
    first, _ = metadata()
    assert (first["dmy"], first["us_time"]) == ("1999-12-31T00:00:00.000Z", "2020-02-03T16:05:00.000Z")


def test_a_name_column_that_does_not_exist_is_refused_first(amp: Amp, run: Run, type_name: str) -> None:
    result = run("55-plain.csv", "--name-field", "Titel")
    assert (result.exit_code, "did you mean 'title'?" in result.stderr) == (2, True)
    assert amp("types", "show", type_name).exit_code == 1
