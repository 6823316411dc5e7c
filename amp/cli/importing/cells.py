"""Reads the text of a cell as the value that it represents."""

import re
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Any

from amp.cli.importing.dates import DateOrder, read_date
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?|[+-]?\.\d+([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([,.'’ \u00a0\u202f_])\d{3}(\1\d{3})*(\.\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+|\d{1,3}([ \u00a0\u202f]\d{3})+),\d+", re.ASCII)
_MAX_DATE_CHARACTERS = 40
_MAX_MARKED_CHARACTERS = 400
#: Words for a missing value, in lowercase.
_NULL_WORDS = frozenset(
    ("n/a", "na", "#n/a", "null", "nil", "none", "nan", "-", "--", "\\n", "undef", "undefined", "?")
)


class Hint(StrEnum):
    """Why the text of a cell stays text although it may mean something else."""

    NULL_WORD = "may be a word for a missing value"
    THOUSANDS = "has marks that may separate thousands"
    DECIMAL_COMMA = "has a comma that may be a decimal mark"
    INEXACT = "is a number in a notation that would be lost"
    TOO_LARGE = "is a whole number beyond 64 bits"
    DATE_ORDER = "is a date whose day and month could be exchanged"
    LOCAL_TIME = "is a time without its offset from UTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notation:
    """How the cells of a column are written, as the user of the import says."""

    null: frozenset[str] = frozenset()  #: Texts that mean that there is no value.
    thousands: str | None = None  #: The character between groups of three digits.
    decimal: str = "."
    date_order: DateOrder | None = None
    timezone: tzinfo | None = None  #: Of times without an offset.
    split: str | None = None  #: What separates several values in one cell.


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text of a cell is read as."""

    kind: FieldType | None  #: None: there is no value.
    value: str | int | float | bool | None
    hint: Hint | None = None


_NO_VALUE = Reading(None, None)


def read_value(value: Any, notation: Notation, *, textual: bool) -> Reading:
    """Return what a value of a file represents.

    :param textual: the file has only text values, so that text may be a number.
    """
    match value:
        case None:
            return _NO_VALUE
        case bool():
            return Reading(FieldType.BOOLEAN, value)
        case int():
            return Reading(FieldType.LONG if LONG_MIN <= value <= LONG_MAX else FieldType.STRING, value)
        case float():
            return _NO_VALUE if _finite(value) is None or value != value else Reading(FieldType.DOUBLE, value)
        case str() if textual:
            return read_cell(value, notation)
        case str():
            stripped = value.strip()
            if stripped in notation.null:
                return _NO_VALUE
            number = read_marked_number(stripped, notation)
            if number is not None:
                return number
            date = read_date_cell(stripped, notation)
            return date if date.kind else Reading(FieldType.STRING, value)
        case _:
            return Reading(FieldType.STRING, str(value))


def read_cell(text: str, notation: Notation) -> Reading:
    """Return what the text of a cell represents.

    Text is a number only if the number, written again, is the same text: `007` and `1.10` stay text. With `notation`,
    numbers in other notations are read as well.
    """
    stripped = text.strip()
    if not stripped or stripped in notation.null:
        return _NO_VALUE
    if stripped.lower() in ("true", "false"):
        return Reading(FieldType.BOOLEAN, stripped.lower() == "true")
    if stripped[0] in "+-.0123456789":
        number = _plain_number(stripped) or read_marked_number(stripped, notation)
        if number is not None:
            return number
    date = read_date_cell(stripped, notation)
    return date if date.kind else Reading(FieldType.STRING, text, _number_hint(stripped))


def read_date_cell(text: str, notation: Notation) -> Reading:
    """Return the date that the text represents. If it is none, the reading has no kind, unless it could be one.

    The date `0000-00-00` has no value.
    """
    if len(text) > _MAX_DATE_CHARACTERS:
        return Reading(None, text)
    date = read_date(text, notation.date_order, notation.timezone)
    if date is None:
        return Reading(None, text)
    if date.text is not None:
        return Reading(FieldType.DATE, date.text)
    if date.is_zero:
        return Reading(FieldType.DATE, None)
    return Reading(FieldType.STRING, text, Hint.LOCAL_TIME if date.lacks_offset else Hint.DATE_ORDER)


def read_number(text: str, notation: Notation) -> int | float | None:
    """Return the number that the text represents in any notation that `notation` allows; None if it is none."""
    reading = _plain_number(text) or read_marked_number(text, notation)
    if reading is not None and not isinstance(reading.value, str | bool):
        return reading.value
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        whole = int(text)
    except ValueError:
        return _finite(float(text))
    return whole if LONG_MIN <= whole <= LONG_MAX else None


def read_marked_number(text: str, notation: Notation) -> Reading | None:
    """Return the number in a text with the marks of the notation; None if it has none, or they are misplaced."""
    marks = {notation.thousands, notation.decimal} - {None, "."}
    if len(text) > _MAX_MARKED_CHARACTERS or not any(mark in text for mark in marks if mark):
        return None
    decimal = re.escape(notation.decimal)
    groups = notation.thousands or ("." if notation.decimal == "," else None)
    whole = r"\d+" if groups is None else rf"(\d{{1,3}}({re.escape(groups)}\d{{3}})+|\d+)"
    if not re.fullmatch(rf"[+-]?{whole}({decimal}\d+)?", text, re.ASCII):
        return None
    plain = (text if groups is None else text.replace(groups, "")).replace(notation.decimal, ".")
    if "." in plain:
        return Reading(FieldType.DOUBLE, _finite(float(plain)))
    value = int(plain)
    return Reading(FieldType.LONG, value) if LONG_MIN <= value <= LONG_MAX else None


def _plain_number(text: str) -> Reading | None:
    """Return the number of which the text is the canonical form."""
    if _WHOLE.fullmatch(text) and text != "-0":
        value = int(text)
        return Reading(FieldType.LONG, value) if LONG_MIN <= value <= LONG_MAX else None
    if _DECIMAL.fullmatch(text) and repr(number := float(text)) == text:
        return Reading(FieldType.DOUBLE, number)
    return None


def _number_hint(text: str) -> Hint | None:
    if text.lower() in _NULL_WORDS:
        return Hint.NULL_WORD
    if text[0] not in "+-.0123456789" or len(text) > _MAX_DATE_CHARACTERS:
        return None
    if _WHOLE.fullmatch(text) or (text.isdigit() and len(text) > 18):
        return Hint.TOO_LARGE
    if _DECIMAL.fullmatch(text):
        return Hint.INEXACT
    if _GROUPED.fullmatch(text):
        return Hint.THOUSANDS
    return Hint.DECIMAL_COMMA if _DECIMAL_COMMA.fullmatch(text) else None


def _finite(number: float) -> float | None:
    return number if abs(number) != float("inf") else None
