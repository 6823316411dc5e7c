"""Converts the rows of a file to metadata that REST accepts, and counts each adjustment of a value."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames, flatten
from amp.cli.importing.infer_type import read_text
from amp.domain.storable_text import CONTAINS_SURROGATE
from amp.domain.times import parse_ms
from amp.domain.types import Field, FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

_SURROGATES = re.compile("[\ud800-\udfff]")


class RowCoercion:
    """Coerces values to the declared kinds. It keeps what it cannot coerce, and REST refuses that with the reason."""

    def __init__(self, fields: Mapping[str, Field], names: FieldNames, *, textual: bool = False) -> None:
        self._fields = fields
        self._names = names
        self._textual = textual
        #: The number of adjusted values by field and adjustment.
        self.adjustments: Counter[tuple[str, str]] = Counter()

    def metadata(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a row to metadata. Missing values are left out.

        :raises ValueError: JSON cannot represent a value of the row; the message says which and why.
        """
        metadata: dict[str, Any] = {}
        for column, value in flatten(row):
            name = self._names[column]
            present = self._present(name, value)
            declared = self._fields.get(name)
            kept = present if present is None or declared is None else self._conform(name, present, declared)
            if kept is not None:
                metadata[name] = _representable(name, kept)
        return metadata

    def text(self, name: str, value: Any) -> str:
        """Convert a scalar to text for a name or an external id."""
        return self._clean(name, value if isinstance(value, str) else _as_text(value))

    def _present(self, name: str, value: Any) -> Any:
        """Return the value, or None if it is the file format's notation of a missing value."""
        if isinstance(value, list):
            return [kept for item in value if (kept := self._present(name, item)) is not None] or None
        if isinstance(value, float) and not math.isfinite(value):
            return self._note(name, "number that is not finite (NaN, infinity) left out", None)
        return None if self._textual and isinstance(value, str) and not value.strip() else value

    def _conform(self, name: str, value: Any, declared: Field) -> Any:
        if isinstance(value, list):
            items = [kept for item in value if (kept := self._scalar(name, item, declared.type)) is not None]
            if declared.array or len(items) != 1:
                return items or None
            return self._note(name, "array of one value written as that value", items[0])
        kept = self._scalar(name, value, declared.type)
        if declared.array and kept is not None:
            return self._note(name, "single value written as an array", [kept])
        return kept

    def _scalar(self, name: str, value: Any, kind: FieldType) -> Any:
        if kind in (FieldType.STRING, FieldType.TEXT):
            if isinstance(value, str):
                return self._clean(name, value)
            return self._note(name, f"{_kind_of(value)} written as text", _as_text(value))
        return self._from_text(name, value, kind) if isinstance(value, str) else value

    def _from_text(self, name: str, text: str, kind: FieldType) -> Any:
        if not text.strip():
            return self._note(name, "empty text left out", None)
        if kind is FieldType.DATE:
            date = read_date(text)
            return text if date is None or _is_rfc3339(text) else self._note(name, "date rewritten as RFC 3339", date)
        value = read_text(text)
        if isinstance(value, str) or isinstance(value, bool) != (kind is FieldType.BOOLEAN):
            return text
        return value if self._textual else self._note(name, f"text read as {kind}", value)

    def _clean(self, name: str, text: str) -> str:
        clean = _SURROGATES.sub("\ufffd", text.replace("\x00", ""))
        if clean != text:
            self._note(name, "characters that cannot be stored removed or replaced", clean)
        return clean

    def _note(self, name: str, adjustment: str, value: Any) -> Any:
        self.adjustments[name, adjustment] += 1
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
