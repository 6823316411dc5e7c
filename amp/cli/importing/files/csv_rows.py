"""Reads the rows of CSV files, and finds out what separates their cells."""

import contextlib
import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence

from amp.cli.importing.files.header import cells_by_column, column_names
from amp.cli.importing.files.lines import skip_line
from amp.cli.importing.files.row import EXCERPT_CHARACTERS, MAX_VALUE_CHARACTERS, Row
from amp.cli.importing.refused import ImportRefused

#: The separators that are recognized, by the names that reports use.
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
#: Adjustment of a row.
FILLED_UP = "row with fewer cells than the header: the last columns have no value"
_SAMPLE_ROWS = 100


def delimiter_of(sample: str, *, is_cut: bool = False) -> str:
    """Return the separator of the cells in the beginning of a file.

    It is the one that divides the header, and most rows into as many cells as the header; of several such ones, the one
    that divides them into most cells. ADR 013 has the measurements against the detectors of libraries.

    :param is_cut: the file continues after `sample`, so that its last row may be incomplete.
    """
    declared = _declared_delimiter(sample.partition("\n")[0])
    if declared is not None:
        return declared
    scores = {}
    for delimiter in DELIMITERS:
        rows = _sample_rows(sample, delimiter)
        if is_cut and len(rows) > 1:
            rows.pop()
        cells = len(rows[0]) if rows else 0
        alike = sum(len(row) == cells for row in rows) / max(1, len(rows))
        scores[delimiter] = (cells > 1, alike, cells)
    return max(scores, key=lambda delimiter: scores[delimiter])


def has_spaces_before_quotes(sample: str, delimiter: str) -> bool:
    """Return whether quoted cells follow a space, as in `a, "b, c"`."""
    return re.search(rf'{re.escape(delimiter)} +"', sample) is not None


def csv_rows(text: io.TextIOWrapper, delimiter: str, *, skip_spaces: bool = False) -> Iterator[Row]:
    """Yield the rows after the header; blank rows are left out.

    A row that is not CSV is yielded as unreadable, and the rows after its first line are read. Columns of the same name
    become one column whose value is a list. Columns without a name have that of `unnamed_column`.

    :param skip_spaces: spaces after a delimiter do not belong to the cell, which may be quoted.
    :raises ImportRefused: the header is not CSV.
    """
    header: list[str] | None = None
    for line, cells, problem in _Records(text, delimiter, skip_spaces=skip_spaces):
        if problem is not None:
            if header is None:
                raise ImportRefused(f"line {line}: the header {problem}")
            yield Row(line, None, problem, cells[0].rstrip("\r\n")[:EXCERPT_CHARACTERS])
        elif not any(cell.strip() for cell in cells):
            continue
        elif header is None:
            header = column_names(cells)
        else:
            yield _row(line, header, cells)


def _row(line: int, header: Sequence[str], cells: list[str]) -> Row:
    extra = [cell for cell in cells[len(header) :] if cell.strip()]
    if extra:
        return Row(line, None, f"has {len(cells)} cells; the header has {len(header)}", cells)
    adjustments = (FILLED_UP,) if len(cells) < len(header) else ()
    return Row(line, cells_by_column(header, cells), adjustments=adjustments)


def _sample_rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    with contextlib.suppress(csv.Error):  # what was read before is enough
        rows.extend(itertools.islice((row for row in reader if any(row)), _SAMPLE_ROWS))
    return rows


def _declared_delimiter(line: str) -> str | None:
    """Return the separator that a first line `sep=;` declares, as Excel reads and writes it."""
    text = line.strip("\r\n\ufeff \"'")
    return text[4] if len(text) == 5 and text.lower().startswith("sep=") else None


class _Records:
    """Iterates over records: their line, their cells and, if they are not CSV, why.

    After a record that is not CSV, reading continues with its second line: a quote that is never closed may have made
    one record of the rest of the file.
    """

    def __init__(self, text: io.TextIOWrapper, delimiter: str, *, skip_spaces: bool) -> None:
        self._text = text
        self._delimiter = delimiter
        self._skip_spaces = skip_spaces
        self._next_lines: deque[str] = deque()
        self._record: list[str] = []
        self._record_characters = 0
        self._lines_read = 0
        first = text.readline(MAX_VALUE_CHARACTERS)
        if _declared_delimiter(first) is not None:
            self._lines_read = 1
        elif first:
            self._next_lines.append(first)

    def __iter__(self) -> Iterator[tuple[int, list[str], str | None]]:
        # Python's default limit is 128 KiB, and is set for the whole process. Without a limit, a quote that is never
        # closed would load the rest of the file into memory.
        csv.field_size_limit(MAX_VALUE_CHARACTERS)
        reader = self._reader()
        while True:
            self._record, self._record_characters = [], 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as e:
                first, *others = self._record
                self._next_lines.extendleft(reversed(others))
                self._lines_read -= len(others)
                yield self._lines_read, [first], f"is not CSV: {e}"
                reader = self._reader()
            else:
                yield self._lines_read - len(self._record) + 1, cells, None

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self._delimiter, skipinitialspace=self._skip_spaces, strict=True)

    def _lines(self) -> Iterator[str]:
        while line := self._next_lines.popleft() if self._next_lines else self._text.readline(MAX_VALUE_CHARACTERS):
            self._lines_read += 1
            self._record.append(line)
            self._record_characters += len(line)
            if self._record_characters >= MAX_VALUE_CHARACTERS:
                if not line.endswith(("\n", "\r")):
                    skip_line(self._text)
                    self._record[-1] += "\n"
                raise csv.Error(f"a row is longer than {MAX_VALUE_CHARACTERS:,} characters")
            yield line
