"""The rows of XLSX and Parquet files have the types of their cells."""

import datetime
import decimal
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from amp.cli.importing.files import xlsx_rows as xlsx_rows_module
from amp.cli.importing.files.parquet_rows import parquet_rows
from amp.cli.importing.files.source import ReadOptions, open_source
from amp.cli.importing.files.xlsx_rows import xlsx_rows
from amp.cli.importing.refused import ImportRefused


def workbook(folder: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "x.xlsx"
    book.save(path)
    return path


def test_cells_of_a_sheet_have_their_types(tmp_path: Path) -> None:
    at = datetime.datetime(2020, 1, 2, 3, 4, 5)
    rows = [[], ["id", " title ", None, "tag", "tag"], [1, "007", at, "a", "b"], [None], [2.5, None, at.date(), True]]
    path = workbook(tmp_path, One=rows, Empty=[])
    assert open_source(path, "x.xlsx", ReadOptions()).description() == "xlsx"
    first, second = xlsx_rows(path)
    assert (first.line, second.line) == (3, 5)
    assert first.data == {
        "id": 1,
        "title": "007",
        "(column 3)": "2020-01-02T03:04:05",
        "tag": ["a", "b"],
    }
    assert second.data == {"id": 2.5, "title": None, "(column 3)": "2020-01-02", "tag": [True, None]}


def test_one_of_several_sheets_has_to_be_chosen(tmp_path: Path) -> None:
    path = workbook(tmp_path, One=[["a"], [1]], Two=[["b"], [2]])
    with pytest.raises(ImportRefused, match="choose one with --sheet, of 'One', 'Two'"):
        list(xlsx_rows(path))
    with pytest.raises(ImportRefused, match="--sheet Three: the sheets are 'One', 'Two'"):
        list(xlsx_rows(path, "Three"))
    assert [row.data for row in xlsx_rows(path, "Two")] == [{"b": 2}]


def test_a_workbook_that_is_damaged_or_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path, One=[["a"], [1]])
    monkeypatch.setattr(xlsx_rows_module, "_MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ImportRefused, match="MiB unpacked"):
        list(xlsx_rows(path))
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "y.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<broken")
    with pytest.raises(ImportRefused, match="the XLSX file is damaged"):
        list(xlsx_rows(tmp_path / "y.xlsx"))


def test_values_of_a_parquet_file_have_their_types(tmp_path: Path) -> None:
    path = tmp_path / "x"
    rows = [
        {
            "id": number,
            "score": 0.5,
            "at": datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
            "day": datetime.date(2020, 1, 2),
            "tags": ["a"],
            "place": {"lat": 1.5},
            "price": decimal.Decimal("1.50"),
            "none": None,
            "raw": b"a\xff",
        }
        for number in range(2_500)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert open_source(path, "x", ReadOptions()).description() == "parquet"
    found = list(parquet_rows(path))
    assert [row.line for row in found] == list(range(1, 2_501))
    assert found[7].data == {
        "id": 7,
        "score": 0.5,
        "at": "2020-01-02T00:00:00+00:00",
        "day": "2020-01-02",
        "tags": ["a"],
        "place": {"lat": 1.5},
        "price": 1.5,
        "none": None,
        "raw": "a\\xff",
    }


def test_nanoseconds_are_cut_off(tmp_path: Path) -> None:
    column = pyarrow.array([1_577_934_245_123_456_789], pyarrow.timestamp("ns", "UTC"))
    pyarrow.parquet.write_table(pyarrow.table({"at": column}), tmp_path / "x")
    assert [row.data for row in parquet_rows(tmp_path / "x")] == [{"at": "2020-01-02T03:04:05.123456+00:00"}]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(10_000))}), path)
    content = path.read_bytes()
    for damaged in (content[:-20], content[:8] + b"\xff" * 40 + content[48:]):
        path.write_bytes(damaged)
        with pytest.raises(ImportRefused, match="the Parquet file cannot be read"):
            list(parquet_rows(path))
