"""Recognizes files of rejected rows, and reads the rows in them."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from amp.cli.importing.files.row import Row
from amp.cli.importing.place import Place

#: The members of a line of such a file. `text_only`: the row is from a file that has only text values.
_REQUIRED = frozenset(("line", "reason", "row"))
_ALLOWED = _REQUIRED | {"file", "text_only"}


def rejected_line(place: Place, reason: str, row: Any, *, text_only: bool) -> dict[str, Any]:
    """Return the line for a rejected row."""
    members: dict[str, Any] = {} if place.file is None else {"file": place.file}
    members |= {"line": place.line, "reason": reason}
    if text_only:
        members["text_only"] = True
    return members | {"row": row}


def begins_with_rejected_row(sample: str) -> dict[str, Any] | None:
    """Return the first line of a file of rejected rows; None if the file is another one."""
    try:
        first = json.loads(sample.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return None
    return first if _is_rejected(first) else None


def rows_in_rejected(lines: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows in the lines of the file. Rows that could not be read then cannot be read now."""
    for line in lines:
        if line.data is None or not _is_rejected(line.data):
            yield Row(line.line, None, line.problem or "is not a rejected row", line.raw or line.data)
        elif isinstance(line.data["row"], dict):
            yield Row(line.line, line.data["row"])
        else:
            yield Row(line.line, None, f"could not be read: {line.data['reason']}", line.data["row"])


def _is_rejected(value: Any) -> bool:
    return isinstance(value, dict) and _REQUIRED <= value.keys() <= _ALLOWED
