"""Proposes the fields of an asset type from the rows of a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames, flatten
from amp.domain.types import Field, FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

#: Longer values are prose: `text` is found by its words, but neither equal to anything nor sorted by.
TEXT_FROM_CHARACTERS = 512
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(slots=True)
class _Column:
    kinds: set[FieldType] = field(default_factory=set)
    array: bool = False
    longest: int = 0
    #: All whole numbers so far are doubles too.
    exact: bool = True


class InferType:
    """Looks at every row, and remembers only what it has seen of each column."""

    def __init__(self, names: FieldNames, *, textual: bool = False) -> None:
        """`textual`: the file knows nothing but text, as CSV does, so that "42" may be a number."""
        self._names = names
        self._textual = textual
        self._columns: dict[str, _Column] = {}

    def observe(self, row: Mapping[str, Any]) -> None:
        for column, value in flatten(row):
            seen = self._columns.setdefault(self._names[column], _Column())
            if isinstance(value, list):
                seen.array = True
            for item in value if isinstance(value, list) else [value]:
                self._observe(item, seen)

    def fields(self) -> dict[str, Field]:
        """A column of several kinds is a string, one of whole and other numbers a double; one without any value is
        left out."""
        return {
            name: Field(type=_field_type(seen), array=seen.array) for name, seen in self._columns.items() if seen.kinds
        }

    def _observe(self, item: Any, seen: _Column) -> None:
        value = read_text(item) if self._textual and isinstance(item, str) else item
        match value:
            case None:
                return
            case bool():
                seen.kinds.add(FieldType.BOOLEAN)
            case int() if LONG_MIN <= value <= LONG_MAX:
                seen.kinds.add(FieldType.LONG)
                seen.exact = seen.exact and int(float(value)) == value
            case float():
                if value == value and abs(value) != float("inf"):
                    seen.kinds.add(FieldType.DOUBLE)
            case str():
                is_date = len(value) < 40 and (seen.kinds <= {FieldType.DATE}) and read_date(value) is not None
                seen.kinds.add(FieldType.DATE if is_date else FieldType.STRING)
                seen.longest = max(seen.longest, len(value))
            case _:
                seen.kinds.add(FieldType.STRING)


def read_text(text: str) -> str | int | float | bool | None:
    """What a cell of a file that knows only text stands for. `007` is text: as a number it would lose its zeros."""
    stripped = text.strip()
    if not stripped:
        return None
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if _WHOLE.fullmatch(stripped) and LONG_MIN <= int(stripped) <= LONG_MAX:
        return int(stripped)
    if _DECIMAL.fullmatch(stripped) and ("." in stripped or "e" in stripped.lower()):
        return float(stripped)
    return text


def _field_type(seen: _Column) -> FieldType:
    if len(seen.kinds) == 1:
        kind = next(iter(seen.kinds))
    elif seen.kinds == {FieldType.LONG, FieldType.DOUBLE} and seen.exact:
        kind = FieldType.DOUBLE
    else:
        kind = FieldType.STRING
    return FieldType.TEXT if kind is FieldType.STRING and seen.longest >= TEXT_FROM_CHARACTERS else kind
