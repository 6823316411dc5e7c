"""Translates a condition's operands into tests on values of one kind. Comparison across kinds is exact, not rounded."""

import math
from typing import Any

from amp.domain.assets import Scalar
from amp.domain.criteria import OneOf, Prefix, Range, Test, Words
from amp.domain.times import parse_ms
from amp.domain.tokens import tokenize
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

RANGE_OPERATORS = ("gt", "gte", "lt", "lte")


def tests_for(kind: FieldType, operators: tuple[tuple[str, Any], ...]) -> tuple[Test, ...] | None:
    """Return tests that are equivalent to `operators` on values of `kind`; None if no such value can pass them all."""
    tests = []
    for operator, operand in operators:
        test = _test(kind, operator, operand)
        if test is None:
            return None
        tests.append(test)
    return tuple(tests)


def _test(kind: FieldType, operator: str, operand: Any) -> Test | None:
    words_kind = kind in (FieldType.STRING, FieldType.TEXT)
    match operator:
        case "match":
            return Words(tuple(dict.fromkeys(tokenize(operand)))) if words_kind else None
        case "prefix":
            return Prefix(operand) if kind is FieldType.STRING else None
        case "eq":
            value = _exactly(kind, operand)
            return None if value is None else OneOf((value,))
        case "in":
            values = [value for item in operand if (value := _exactly(kind, item)) is not None]
            return OneOf(tuple(dict.fromkeys(values))) if values else None
    return _range(kind, operator, operand)


def _exactly(kind: FieldType, operand: Any) -> Scalar | None:
    """Return the value of `kind` that equals `operand`, dates in milliseconds; None if there is none."""
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    match kind:
        case FieldType.STRING if isinstance(operand, str):
            return operand
        case FieldType.DATE if isinstance(operand, str):
            return _date(operand)
        case FieldType.BOOLEAN if isinstance(operand, bool):
            return operand
        case FieldType.LONG if is_number:
            whole = isinstance(operand, int) or operand.is_integer()
            return int(operand) if whole and LONG_MIN <= operand <= LONG_MAX else None
        case FieldType.DOUBLE if is_number:
            return (float(operand) or 0.0) if float(operand) == operand else None
    return None


def _range(kind: FieldType, operator: str, operand: Any) -> Range | None:
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    match kind:
        case FieldType.STRING if isinstance(operand, str):
            return _bound(operator, operand)
        case FieldType.DATE if isinstance(operand, str):
            ms = _date(operand)
            return None if ms is None else _bound(operator, ms)
        case FieldType.LONG if is_number:
            return _long_range(operator, operand)
        case FieldType.DOUBLE if is_number:
            return _double_range(operator, operand)
    return None


def _bound(operator: str, value: float | str) -> Range:
    is_open = operator in ("gt", "lt")
    return Range(low=value, low_open=is_open) if operator in ("gt", "gte") else Range(high=value, high_open=is_open)


def _long_range(operator: str, operand: float) -> Range | None:
    """Return a range whose bound is closed, a whole number, and clamped to 64 bits; None if no long can be in it."""
    if operator in ("gt", "gte"):
        low = math.floor(operand) + 1 if operator == "gt" else math.ceil(operand)
        return Range(low=max(low, LONG_MIN)) if low <= LONG_MAX else None
    high = math.ceil(operand) - 1 if operator == "lt" else math.floor(operand)
    return Range(high=min(high, LONG_MAX)) if high >= LONG_MIN else None


def _double_range(operator: str, operand: float) -> Range:
    """Return a range whose bound is a double: `operand`, or the nearest double inside the range if it is not one."""
    nearest = float(operand)
    if nearest == operand:
        return _bound(operator, nearest or 0.0)
    if operator in ("gt", "gte"):
        return Range(low=nearest if nearest > operand else math.nextafter(nearest, math.inf))
    return Range(high=nearest if nearest < operand else math.nextafter(nearest, -math.inf))


def _date(text: str) -> int | None:
    try:
        return parse_ms(text)
    except ValueError:
        return None
