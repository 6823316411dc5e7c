"""The header of a table, and the cells of its rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from amp.cli.importing.field_names import unnamed_column


def column_names(cells: Iterable[str]) -> list[str]:
    """Return the names of columns. Those without a name have that of `unnamed_column`."""
    return [cell.strip() or unnamed_column(number) for number, cell in enumerate(cells, start=1)]


def cells_by_column(header: Sequence[str], cells: Iterable[Any]) -> dict[str, Any]:
    """Return the cells by column. Columns of the same name become one column whose value is a list."""
    data: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        before = data.get(name)
        if name not in data:
            data[name] = cell
        elif isinstance(before, list):
            before.append(cell)
        else:
            data[name] = [before, cell]
    return data
