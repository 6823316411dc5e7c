"""Reads the rows of a sheet of an XLSX file."""

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amp.cli.importing.files.header import cells_by_column, column_names
from amp.cli.importing.files.row import Row
from amp.cli.importing.refused import ImportRefused

#: Maximum size of the unpacked file. The library reads a sheet into memory.
_MAX_UNPACKED_BYTES = 1 << 30
_NEEDS_EXTRA = "XLSX files need a library: pip install 'amp-assets[tables]'"


def xlsx_rows(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """Yield the rows after the first row that is not blank, which has the names of the columns.

    Cells have their types: dates and times become text in ISO 8601, whole numbers become `int`.

    :param sheet: the name of the sheet. None: the only one that has cells.
    :raises ImportRefused: the file cannot be read, or there are several sheets and none is named.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise ImportRefused(_NEEDS_EXTRA) from None
    _require_moderate_size(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = [sheet] if sheet is not None else _sheets_with_cells(workbook)
        if sheet is not None and sheet not in workbook.sheet_names:
            raise ImportRefused(f"--sheet {sheet}: the sheets are {', '.join(map(repr, workbook.sheet_names))}")
        if len(names) > 1:
            raise ImportRefused(f"several sheets have rows: choose one with --sheet, of {', '.join(map(repr, names))}")
        cells = workbook.get_sheet_by_name(names[0]).iter_rows() if names else iter(())
        yield from _rows(cells)
    except CalamineError as e:
        raise ImportRefused(f"the XLSX file is damaged: {e}") from e


def _rows(rows: Iterator[list[Any]]) -> Iterator[Row]:
    header: list[str] | None = None
    for number, cells in enumerate(rows, start=1):
        if all(_is_blank(cell) for cell in cells):
            continue
        if header is None:
            header = column_names(str(_value(cell)) for cell in cells)
            continue
        yield Row(number, cells_by_column(header, (None if _is_blank(cell) else _value(cell) for cell in cells)))


def _sheets_with_cells(workbook: Any) -> list[str]:
    return [name for name in workbook.sheet_names if workbook.get_sheet_by_name(name).height]


def _is_blank(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _value(cell: Any) -> Any:
    match cell:
        case float() if cell.is_integer() and abs(cell) < 1 << 53:
            return int(cell)
        case datetime.datetime() | datetime.date() | datetime.time():
            return cell.isoformat()
        case datetime.timedelta():
            return cell.total_seconds()
        case _:
            return cell


def _require_moderate_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as e:
        raise ImportRefused(f"the XLSX file is damaged: {e}") from e
    if unpacked_bytes > _MAX_UNPACKED_BYTES:
        raise ImportRefused(
            f"the XLSX file is {unpacked_bytes >> 20:,} MiB unpacked; at most {_MAX_UNPACKED_BYTES >> 20:,} MiB can be "
            "read. Save it as CSV"
        )
