"""Encodes metadata values of every kind as text that sorts by code point: numbers, dates, booleans, then strings.

Longs and doubles compare exactly with each other, which no index does by itself. A number is encoded as its nearest
double, in a form whose text order is the numeric order, followed by the difference between the number and that double.
"""

import struct

from amp.domain.assets import Scalar
from amp.domain.times import format_ms
from amp.domain.types import FieldType

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
#: Offset that makes the difference positive: a 64-bit integer is at most 512 from its nearest double.
_REST_ZERO = 0x800
#: Up to this value every integer is exactly a double.
_EXACT = 1 << 53
_DOUBLE, _BITS = struct.Struct(">d"), struct.Struct(">Q")


def number_sort_value(number: float) -> str:
    """Return the sort value of a long or a double."""
    nearest = float(number)
    rest = number - int(nearest) if isinstance(number, int) and not -_EXACT <= number <= _EXACT else 0
    return f"1{_ordered_bits(nearest):016x}{rest + _REST_ZERO:03x}"


def date_sort_value(ms: int) -> str:
    """Return the sort value of a date in milliseconds since 1970."""
    return f"2{ms + _SIGN:016x}"


def boolean_sort_value(value: bool) -> str:
    return "3true" if value else "3false"


def string_sort_value(text: str) -> str:
    return f"4{text}"


def sort_value(kind: FieldType, value: Scalar) -> str:
    """Return the sort value of a value of this kind. A date is given in milliseconds.

    :raises ValueError: the kind is `text`, which has no order.
    """
    match kind:
        case FieldType.LONG | FieldType.DOUBLE:
            return number_sort_value(value)  # type: ignore[arg-type]  # numbers are of these kinds
        case FieldType.DATE:
            return date_sort_value(int(value))
        case FieldType.BOOLEAN:
            return boolean_sort_value(bool(value))
        case FieldType.STRING:
            return string_sort_value(str(value))
        case FieldType.TEXT:
            raise ValueError("text has no order")


def sort_value_json(encoded: str) -> Scalar:
    """Return the value, in JSON form, whose sort value is `encoded`. Whole numbers are returned as integers."""
    body = encoded[1:]
    match encoded[0]:
        case "1":
            nearest = _from_ordered_bits(int(body[:16], 16))
            rest = int(body[16:], 16) - _REST_ZERO
            whole = nearest.is_integer() and abs(nearest) <= _SIGN
            return int(nearest) + rest if whole else nearest
        case "2":
            return format_ms(int(body, 16) - _SIGN)
        case "3":
            return body == "true"
    return body


def _ordered_bits(number: float) -> int:
    bits: int = _BITS.unpack(_DOUBLE.pack(number or 0.0))[0]
    # A negative double increases as its bits decrease.
    return ~bits & _ALL if bits & _SIGN else bits | _SIGN


def _from_ordered_bits(bits: int) -> float:
    raw = bits & ~_SIGN if bits & _SIGN else ~bits & _ALL
    number: float = _DOUBLE.unpack(_BITS.pack(raw))[0]
    return number
