"""Infers the fields of an asset type from the rows of a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames, flatten
from amp.domain.types import Field, FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

#: A column of strings becomes `text` if a value has at least this number of characters. Text can be searched by its
#: words, but supports neither equality nor sorting.
TEXT_FROM_CHARACTERS = 512
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(slots=True)
class _ColumnSummary:
    kinds: set[FieldType] = field(default_factory=set)
    array: bool = False
    max_characters: int = 0
    #: Whether doubles represent all whole numbers so far exactly.
    exact: bool = True


class TypeInference:
    """Infers field types from all rows. It keeps a summary of each column, but no rows."""

    def __init__(self, names: FieldNames, *, textual: bool = False) -> None:
        """Start without any columns.

        :param textual: the file has only text values, as CSV does, so that "42" may be a number.
        """
        self._names = names
        self._textual = textual
        self._columns: dict[str, _ColumnSummary] = {}

    def observe(self, row: Mapping[str, Any]) -> None:
        """Take the values of a row into account."""
        for column, value in flatten(row):
            summary = self._columns.setdefault(self._names[column], _ColumnSummary())
            if isinstance(value, list):
                summary.array = True
            for item in value if isinstance(value, list) else [value]:
                self._observe(item, summary)

    def fields(self) -> dict[str, Field]:
        """Return the inferred fields by name.

        A column of several kinds becomes a string, but whole and decimal numbers become a double if doubles
        represent the whole numbers exactly. A column without values is left out.
        """
        return {
            name: Field(type=_field_type(summary), array=summary.array)
            for name, summary in self._columns.items()
            if summary.kinds
        }

    def _observe(self, item: Any, summary: _ColumnSummary) -> None:
        value = read_text(item) if self._textual and isinstance(item, str) else item
        match value:
            case None:
                return
            case bool():
                summary.kinds.add(FieldType.BOOLEAN)
            case int() if LONG_MIN <= value <= LONG_MAX:
                summary.kinds.add(FieldType.LONG)
                summary.exact = summary.exact and int(float(value)) == value
            case float():
                if value == value and abs(value) != float("inf"):
                    summary.kinds.add(FieldType.DOUBLE)
            case str():
                is_date = len(value) < 40 and (summary.kinds <= {FieldType.DATE}) and read_date(value) is not None
                summary.kinds.add(FieldType.DATE if is_date else FieldType.STRING)
                summary.max_characters = max(summary.max_characters, len(value))
            case _:
                summary.kinds.add(FieldType.STRING)


def read_text(text: str) -> str | int | float | bool | None:
    """Return the value that the text of a cell represents. `007` stays text, because a number would lose the zeros."""
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


def _field_type(summary: _ColumnSummary) -> FieldType:
    if len(summary.kinds) == 1:
        kind = next(iter(summary.kinds))
    elif summary.kinds == {FieldType.LONG, FieldType.DOUBLE} and summary.exact:
        kind = FieldType.DOUBLE
    else:
        kind = FieldType.STRING
    return FieldType.TEXT if kind is FieldType.STRING and summary.max_characters >= TEXT_FROM_CHARACTERS else kind
