"""Converts the cells of a row to metadata that REST accepts, and counts each adjustment of a value."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from amp.cli.importing.cells import Notation, read_cell, read_date_cell, read_number
from amp.cli.importing.columns import ColumnOptions
from amp.cli.importing.flatten import Cell
from amp.cli.importing.infer_type import split_value
from amp.domain.storable_text import CONTAINS_SURROGATE
from amp.domain.times import parse_ms
from amp.domain.types import Field, FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCoercion:
    """Coerces values to the declared types. It keeps what it cannot coerce, and REST refuses that with the reason."""

    fields: Mapping[str, Field]  #: The declared fields.
    names: Mapping[str, str]  #: The fields of the columns. Other columns are left out.
    options: ColumnOptions
    textual: bool = False  #: The file has only text values.
    #: The number of adjusted values by field and adjustment.
    adjustments: Counter[tuple[str, str]] = field(default_factory=Counter)

    def metadata(self, cells: Iterable[Cell]) -> dict[str, Any]:
        """Convert a row to metadata. Missing values are left out.

        :raises ValueError: a value of the row cannot be stored as it is; the message says which and why.
        """
        metadata: dict[str, Any] = {}
        for column, value, adjustment in cells:
            name = self.names.get(column)
            if name is None:
                continue
            if adjustment is not None:
                self.note(name, adjustment)
            kept = self._value(name, value, self.options.notation(column))
            if kept is None:
                continue
            if name in metadata:
                raise ValueError(f"{name}: two columns of the row have a value for this field")
            metadata[name] = _representable(name, kept)
        return metadata

    def text(self, name: str, value: Any) -> str:
        """Convert a scalar to text for a name or an external id."""
        text = value if isinstance(value, str) else _as_text(value)
        return self._clean(name, text.strip() if self.textual else text)

    def note(self, name: str, adjustment: str) -> None:
        """Count an adjustment."""
        self.adjustments[name, adjustment] += 1

    def _value(self, name: str, value: Any, notation: Notation) -> Any:
        declared = self.fields.get(name)
        value = split_value(value, notation)
        if not isinstance(value, list):
            kept = self._scalar(name, value, declared, notation)
            if declared is not None and declared.array and kept is not None:
                return self._noted(name, "single value written as an array", [kept])
            return kept
        items = [kept for item in value if (kept := self._scalar(name, item, declared, notation)) is not None]
        if declared is None or declared.array or len(items) != 1:
            return items or None
        return self._noted(name, "array of one value written as that value", items[0])

    def _scalar(self, name: str, value: Any, declared: Field | None, notation: Notation) -> Any:
        if value is None:
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return self._noted(name, "number that is not finite (NaN, infinity) left out", None)
        if isinstance(value, str):
            value = self._trimmed(name, value)
            if value is None:
                return None
            if value in notation.null:
                return self._noted(name, f"{value!r} left out as a missing value", None)
        if declared is None:
            return value
        if declared.type in (FieldType.STRING, FieldType.TEXT):
            if isinstance(value, str):
                return self._clean(name, value)
            return self._noted(name, f"{_kind_of(value)} written as text", _as_text(value))
        return self._from_text(name, value, declared.type, notation) if isinstance(value, str) else value

    def _trimmed(self, name: str, text: str) -> Any:
        """Return the text of a cell without spaces around it, or None if nothing is left. JSON texts are kept."""
        if not self.textual:
            return text
        stripped = text.strip()
        if stripped and stripped != text:
            self.note(name, "spaces around the value removed")
        return stripped or None

    def _from_text(self, name: str, text: str, kind: FieldType, notation: Notation) -> Any:
        if not text.strip():
            return self._noted(name, "empty text left out", None)
        match kind:
            case FieldType.DATE:
                return self._date(name, text.strip(), notation)
            case FieldType.BOOLEAN:
                reading = read_cell(text, notation)
                if reading.kind is not FieldType.BOOLEAN:
                    return text
                value: Any = reading.value
                plain = True
            case _:
                value = read_number(text.strip(), notation)
                if value is None or (kind is FieldType.LONG and isinstance(value, float)):
                    return text
                plain = str(value) == text.strip()
        if not plain:
            return self._noted(name, "number in another notation rewritten", value)
        return value if self.textual else self._noted(name, f"text read as {kind}", value)

    def _date(self, name: str, text: str, notation: Notation) -> Any:
        reading = read_date_cell(text, notation)
        if reading.hint is not None:
            raise ValueError(f"{name}: {text!r} {reading.hint}")
        if reading.kind is None:
            return text
        if reading.value is None:
            return self._noted(name, "date of zeros left out", None)
        return text if _is_rfc3339(text) else self._noted(name, "date rewritten as RFC 3339", reading.value)

    def _clean(self, name: str, text: str) -> str:
        clean = _SURROGATES.sub("\ufffd", text.replace("\x00", ""))
        if clean != text:
            self.note(name, "characters that cannot be stored removed or replaced")
        return clean

    def _noted(self, name: str, adjustment: str, value: Any) -> Any:
        self.note(name, adjustment)
        return value


def _representable(name: str, value: Any) -> Any:
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, int) and not LONG_MIN <= item <= LONG_MAX:
            raise ValueError(f"{name}: is a whole number beyond 64 bits")
        if isinstance(item, str) and _SURROGATES.search(item):
            raise ValueError(f"{name}: {CONTAINS_SURROGATE}")
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind_of(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "number"


def _is_rfc3339(text: str) -> bool:
    try:
        parse_ms(text)
    except ValueError:
        return False
    return True
