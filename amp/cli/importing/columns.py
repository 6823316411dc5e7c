"""Options that apply to some or all columns of the files, given as `COLUMN=VALUE` or as `VALUE`."""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, TypeVar

from amp.cli.importing.cells import Notation
from amp.cli.importing.dates import DateOrder, time_zone
from amp.cli.importing.refused import ImportRefused
from amp.domain.types import Field, FieldType

#: Stands for all columns, so that a value may contain `=`: `*=a=b`.
_ALL = "*"
_MAX_MARK_CHARACTERS = 10
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """What the user of an import says about columns. Keys are columns; the key `*` stands for all others."""

    fields: Mapping[str, str] = field(default_factory=dict)  #: The field of a column; "" leaves the column out.
    types: Mapping[str, Field] = field(default_factory=dict)  #: The type of a column.
    null: Mapping[str, frozenset[str]] = field(default_factory=dict)
    thousands: Mapping[str, str] = field(default_factory=dict)
    decimal: Mapping[str, str] = field(default_factory=dict)
    date_order: Mapping[str, DateOrder] = field(default_factory=dict)
    timezone: Mapping[str, tzinfo] = field(default_factory=dict)
    split: Mapping[str, str] = field(default_factory=dict)
    _notations: dict[str, Notation] = field(default_factory=dict, init=False, compare=False)

    def notation(self, column: str) -> Notation:
        """Return how the cells of a column are written."""
        found = self._notations.get(column)
        if found is None:
            found = Notation(
                null=self.null.get(column, frozenset()) | self.null.get(_ALL, frozenset()),
                thousands=_of(self.thousands, column),
                decimal=_of(self.decimal, column) or ".",
                date_order=_of(self.date_order, column),
                timezone=_of(self.timezone, column),
                split=_of(self.split, column),
            )
            self._notations[column] = found
        return found

    def require_columns(self, columns: Collection[str]) -> None:
        """Check that the files have all columns to which options refer.

        :raises ImportRefused: they do not.
        """
        for option, values in self._by_option():
            for column in values:
                if column != _ALL:
                    require_column(option, column, columns)

    def _by_option(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield "--map", self.fields
        yield "--as", self.types
        yield "--null", self.null
        yield "--thousands", self.thousands
        yield "--decimal", self.decimal
        yield "--dates", self.date_order
        yield "--timezone", self.timezone
        yield "--split", self.split


def column_options(
    *,
    fields: Sequence[str] = (),
    types: Sequence[str] = (),
    null: Sequence[str] = (),
    thousands: Sequence[str] = (),
    decimal: Sequence[str] = (),
    dates: Sequence[str] = (),
    timezone: Sequence[str] = (),
    split: Sequence[str] = (),
) -> ColumnOptions:
    """Parse the values of the options.

    :raises ImportRefused: a value is not valid.
    """
    words: dict[str, frozenset[str]] = {}
    for column, word in _pairs("--null", null):
        words[column] = words.get(column, frozenset()) | {word.strip()}
    options = ColumnOptions(
        fields=dict(_pairs("--map", fields, needs_column=True)),
        types=_parsed("--as", types, _field, needs_column=True),
        null=words,
        thousands=_parsed("--thousands", thousands, _one_character),
        decimal=_parsed("--decimal", decimal, _one_character),
        date_order=_parsed("--dates", dates, _date_order),
        timezone=_parsed("--timezone", timezone, time_zone),
        split=_parsed("--split", split, _mark),
    )
    for column in {*options.thousands, *options.decimal}:
        marks = options.notation(column)
        if marks.thousands == marks.decimal:
            raise ImportRefused(f"--thousands and --decimal are both {marks.decimal!r} for {_shown(column)}")
    return options


def require_column(option: str, column: str, columns: Collection[str]) -> None:
    """Check that the files have a column.

    :raises ImportRefused: they do not; the message suggests a similar one.
    """
    if column in columns:
        return
    by_lower = {name.lower(): name for name in columns}
    similar = difflib.get_close_matches(column.lower(), by_lower, n=1, cutoff=0.5)
    advice = (
        f"did you mean {by_lower[similar[0]]!r}?"
        if similar
        else f"the columns are {', '.join(map(repr, list(columns)[:20]))}"
    )
    raise ImportRefused(f"{option}: there is no column {column!r}; {advice}")


def _of(values: Mapping[str, Value], column: str) -> Value | None:
    return values.get(column, values.get(_ALL))


def _pairs(option: str, values: Iterable[str], *, needs_column: bool = False) -> Iterator[tuple[str, str]]:
    for text in values:
        # A column may contain `=`; a field, a type and a mark that follows it does not.
        column, equals, value = text.rpartition("=") if needs_column else text.partition("=")
        if not equals and needs_column:
            raise ImportRefused(f"{option} {text}: is not COLUMN=VALUE")
        if not equals:
            column, value = _ALL, text
        elif not column:
            raise ImportRefused(f"{option} {text}: names no column; write {_ALL}{text} for all columns")
        yield column, value


def _parsed(
    option: str, values: Iterable[str], parse: Callable[[str], Value], *, needs_column: bool = False
) -> dict[str, Value]:
    parsed: dict[str, Value] = {}
    for column, text in _pairs(option, values, needs_column=needs_column):
        if column in parsed:
            raise ImportRefused(f"{option}: is given twice for {_shown(column)}")
        try:
            parsed[column] = parse(text)
        except ValueError as e:
            given = text if column == _ALL else f"{column}={text}"
            raise ImportRefused(f"{option} {given}: {e}") from e
    return parsed


def _field(text: str) -> Field:
    try:
        return Field(type=FieldType(text.removesuffix("[]")), array=text.endswith("[]"))
    except ValueError:
        kinds = ", ".join(kind.value for kind in FieldType)
        raise ValueError(f"unknown type; use one of {kinds}, with [] for an array") from None


def _one_character(text: str) -> str:
    if len(text) != 1 or text.isalnum() or text in "+-":
        raise ValueError("must be one character other than a letter, digit or sign")
    return text


def _date_order(text: str) -> DateOrder:
    try:
        return DateOrder(text)
    except ValueError:
        raise ValueError(f"unknown order; use {' or '.join(DateOrder)}") from None


def _mark(text: str) -> str:
    if not text or len(text) > _MAX_MARK_CHARACTERS:
        raise ValueError(f"must have 1 to {_MAX_MARK_CHARACTERS} characters")
    return text


def _shown(column: str) -> str:
    return "all columns" if column == _ALL else f"column {column!r}"
