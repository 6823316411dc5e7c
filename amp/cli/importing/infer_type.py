"""Infers the fields of an asset type from the rows of files."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from amp.cli.importing.cells import Hint, Notation, Reading, read_value
from amp.cli.importing.columns import ColumnOptions
from amp.cli.importing.dates import DateOrder, read_date
from amp.domain.limits import AssetLimits
from amp.domain.types import Field, FieldType

#: A value with at least this number of characters is long.
LONG_TEXT_CHARACTERS = 512
_MAX_STRING_BYTES = AssetLimits().string_bytes
_MAX_EXAMPLES = 5
_MAX_SHOWN_CHARACTERS = 40
_NUMBERS = frozenset((FieldType.LONG, FieldType.DOUBLE))
_OPTIONS = {
    Hint.NULL_WORD: "--null",
    Hint.THOUSANDS: "--thousands",
    Hint.DECIMAL_COMMA: "--decimal",
    Hint.INEXACT: "--as",
    Hint.DATE_ORDER: "--dates",
    Hint.LOCAL_TIME: "--timezone",
}


@dataclass(slots=True)
class ColumnSummary:
    """What the values of a column have in common."""

    kinds: Counter[FieldType] = field(default_factory=Counter)
    array: bool = False
    long_values: int = 0  #: Number of strings with at least `LONG_TEXT_CHARACTERS`.
    max_bytes: int = 0  #: Size of the longest string, in UTF-8.
    exact: bool = True  #: Whether doubles represent all whole numbers so far exactly.
    hinted: int = 0  #: Number of strings with a hint.
    #: The first values by hint, with their places. Without a hint: the first one.
    examples: dict[Hint | None, dict[str, str]] = field(default_factory=dict)

    def observe(self, reading: Reading, place: str) -> None:
        """Take a value into account."""
        if reading.kind is None:
            return
        self.kinds[reading.kind] += 1
        value = reading.value
        if reading.kind is FieldType.LONG and isinstance(value, int):
            self.exact = self.exact and int(float(value)) == value
        elif reading.kind is FieldType.STRING:
            text = str(value)
            self.max_bytes = max(self.max_bytes, len(text.encode(errors="replace")))
            self.long_values += len(text) >= LONG_TEXT_CHARACTERS
            self.hinted += reading.hint is not None
            examples = self.examples.setdefault(reading.hint, {})
            if len(examples) < (1 if reading.hint is None else _MAX_EXAMPLES):
                examples.setdefault(text[: _MAX_SHOWN_CHARACTERS + 1], place)

    def field_type(self) -> FieldType:
        """Return the type that holds all values.

        Whole and decimal numbers together are doubles if doubles represent the whole numbers exactly. Other mixtures
        are strings. Strings are text if half of them are long, or one is too long for a string.
        """
        kinds = self.kinds.keys()
        if len(kinds) == 1:
            [kind] = kinds
        elif kinds == _NUMBERS and self.exact:
            kind = FieldType.DOUBLE
        else:
            kind = FieldType.STRING
        if kind is not FieldType.STRING:
            return kind
        is_long = self.long_values * 2 >= self.kinds[FieldType.STRING] > 0 and self.long_values > 0
        return FieldType.TEXT if is_long or self.max_bytes > _MAX_STRING_BYTES else kind

    def reason(self, column: str) -> str | None:
        """Return why the column is text although some values are, or may be, something else; None without a doubt."""
        strings, others = self.kinds[FieldType.STRING], self.kinds.total() - self.kinds[FieldType.STRING]
        if strings == 0:
            mixed = " and ".join(sorted(kind.value for kind in self.kinds))
            return f"its values are {mixed}" if self.field_type() is FieldType.STRING and others else None
        if self.hinted < strings and not others:
            return None
        hint = next((hint for hint in self.examples if self.hinted == strings or hint is None), None)
        examples = self.examples[hint]
        text, place = next(iter(examples.items()))
        if hint is None:
            main = next(kind for kind, _ in self.kinds.most_common() if kind is not FieldType.STRING)
            return f"{_shown(text)} in {place} is not a {main}"
        return f"{_shown(text)} in {place} {hint}{_advice(hint, column, examples)}"


class TypeInference:
    """Infers field types from all rows. It keeps a summary of each column, but no rows."""

    def __init__(self, options: ColumnOptions) -> None:
        self._options = options
        self._columns: dict[str, ColumnSummary] = {}

    def observe(self, cells: Iterable[tuple[str, Any]], place: str, *, textual: bool) -> None:
        """Take the values of a row into account, by column.

        :param textual: the file has only text values, as CSV does, so that "42" may be a number.
        """
        for column, value in cells:
            summary = self._columns.get(column)
            if summary is None:
                summary = self._columns[column] = ColumnSummary()
            notation = self._options.notation(column)
            values = split_value(value, notation)
            summary.array = summary.array or isinstance(values, list)
            for item in values if isinstance(values, list) else (values,):
                summary.observe(read_value(item, notation, textual=textual), place)

    def fields(self, names: Mapping[str, str]) -> dict[str, Field]:
        """Return the inferred fields by name. Columns without values are left out.

        :param names: the field names of the columns.
        """
        merged: dict[str, list[Field]] = {}
        for column, name in names.items():
            summary = self._columns.get(column)
            chosen = self._options.types.get(column)
            if chosen is not None:
                merged.setdefault(name, []).append(chosen)
            elif summary is not None and summary.kinds:
                merged.setdefault(name, []).append(Field(type=summary.field_type(), array=summary.array))
        return {name: _merged(fields) for name, fields in merged.items()}

    def reasons(self, columns: Iterable[str]) -> dict[str, str]:
        """Return why columns became text, by column, where that may surprise."""
        return {
            column: reason
            for column in columns
            if column in self._columns
            and column not in self._options.types
            and (reason := self._columns[column].reason(column)) is not None
        }


def split_value(value: Any, notation: Notation) -> Any:
    """Return the values of a cell as a list if the user said what separates them; otherwise the value."""
    if notation.split is None:
        return value
    texts = value if isinstance(value, list) else [value]
    return [part for text in texts for part in (text.split(notation.split) if isinstance(text, str) else [text])]


def _merged(fields: list[Field]) -> Field:
    kinds = {field.type for field in fields}
    kind = kinds.pop() if len(kinds) == 1 else FieldType.STRING
    return Field(type=kind, array=any(field.array for field in fields))


def _advice(hint: Hint, column: str, examples: Iterable[str]) -> str:
    match hint:
        case Hint.TOO_LARGE:
            return ""
        case Hint.NULL_WORD:
            values = list(examples)
        case Hint.THOUSANDS:
            values = [next(c for c in next(iter(examples)) if not c.isdigit() and c not in "+-")]
        case Hint.DECIMAL_COMMA:
            values = [","]
        case Hint.INEXACT:
            values = ["double"]
        case Hint.DATE_ORDER:
            values = [order for order in DateOrder if all(_is_date(text, order) for text in examples)]
        case Hint.LOCAL_TIME:
            values = ["UTC"]
    if not values:
        return ""
    options = [f"{_OPTIONS[hint]} {f'{column}={value}'!r}" for value in values]
    return f"; read with {(' or ' if hint is Hint.DATE_ORDER else ' ').join(options)}"


def _is_date(text: str, order: DateOrder) -> bool:
    date = read_date(text, order, UTC)
    return date is not None and date.text is not None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…")
