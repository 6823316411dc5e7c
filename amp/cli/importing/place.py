"""Where a row stands."""

from typing import NamedTuple


class Place(NamedTuple):
    """The place of a row, as messages name it."""

    file: str | None  #: None: only one file is imported.
    line: int

    def __str__(self) -> str:
        return f"line {self.line}" if self.file is None else f"line {self.line} of {self.file}"
