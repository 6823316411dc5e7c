"""A row of a file, and the limits that all formats share."""

from dataclasses import dataclass
from typing import Any

#: Maximum length of a value, line or row, in characters. A longer one cannot be read.
MAX_VALUE_CHARACTERS = 16 << 20
#: Number of characters of an unreadable row that are reported.
EXCERPT_CHARACTERS = 200
#: The problem of a row says this if its format does not show where the next row begins.
REST_UNREADABLE = "nothing after it could be read"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, or the reason why it cannot be read."""

    line: int  #: The line where the row begins, from 1. Formats without lines count their rows.
    data: dict[str, Any] | None  #: The values by column. None: the row cannot be read.
    problem: str | None = None  #: Why the row cannot be read.
    raw: Any = None  #: The content of an unreadable row, or an excerpt of it.
    #: How the row was adjusted to be readable.
    adjustments: tuple[str, ...] = ()
