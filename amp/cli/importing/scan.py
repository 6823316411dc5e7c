"""The first pass over the files: which columns they have, and what their values have in common."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from amp.cli.importing.columns import ColumnOptions
from amp.cli.importing.field_names import is_unnamed
from amp.cli.importing.files.row import Row
from amp.cli.importing.files.source import Source
from amp.cli.importing.flatten import flatten
from amp.cli.importing.infer_type import TypeInference
from amp.cli.importing.place import Place
from amp.cli.importing.refused import ImportRefused
from amp.cli.output import console

#: A type has at most this number of fields.
_MAX_COLUMNS = 1_000


@dataclass(kw_only=True)
class Scan:
    """What the first pass found."""

    inference: TypeInference
    columns: list[dict[str, None]] = field(default_factory=list)  #: The columns of each file, in their order.
    rows: int = 0

    def all_columns(self) -> dict[str, None]:
        """Return the columns of all files, in their order."""
        return {column: None for columns in self.columns for column in columns}


def scan(sources: Sequence[Source], options: ColumnOptions, *, infer: bool, quiet: bool) -> Scan:
    """Read all rows of the files.

    :param infer: take the values into account, not only the columns.
    :raises ImportRefused: a file cannot be read, or has too many columns.
    """
    found = Scan(inference=TypeInference(options))
    for source in sources:
        columns: dict[str, None] = {}
        found.columns.append(columns)
        with closing(progressing_rows(source, "Reading", quiet)) as rows:
            for row in rows:
                found.rows += 1
                if row.data is None:
                    continue
                try:
                    cells = [(column, value) for column, value, _ in flatten(row.data)]
                except RecursionError:
                    continue  # the second pass reports it
                blank = [(column, "") for column, value in row.data.items() if value is None]
                _add_columns(columns, [*cells, *blank], source)
                if infer:
                    place = str(place_of(row, source, sources))
                    found.inference.observe(cells, place, textual=source.textual)
    return found


def place_of(row: Row, source: Source, sources: Sequence[Source]) -> Place:
    """Return the place of a row. It names the file if there are several."""
    return Place(source.name if len(sources) > 1 else None, row.line)


def progressing_rows(source: Source, activity: str, quiet: bool) -> Generator[Row]:
    """Yield the rows of a file, and show the progress on a terminal.

    :raises ImportRefused: the file, or the rest of it, cannot be read.
    """
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty(),
    )  # fmt: skip
    try:
        with progress, progress.open(source.path, "rb", description=activity) as file:
            yield from source.rows(file)
    except ImportRefused as e:
        raise ImportRefused(f"{source.name}: {e.message}") from e


def _add_columns(columns: dict[str, None], cells: Iterable[tuple[str, Any]], source: Source) -> None:
    for column, value in cells:
        # A column without a name counts only if it has a value.
        if column not in columns and not (is_unnamed(column) and not str(value).strip()):
            columns[column] = None
    if len(columns) > _MAX_COLUMNS:
        raise ImportRefused(
            f"{source.name}: has more than {_MAX_COLUMNS:,} columns, the number of fields that a type can have; "
            "perhaps its keys are data"
        )
