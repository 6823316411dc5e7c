"""Converts content to canonical form, or reports every place where it does not fit its type or the limits."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from amp.domain.assets import Scalar, Value
from amp.domain.limits import MAX_FAULTS, AssetLimits
from amp.domain.storable_text import CONTAINS_NUL, CONTAINS_SURROGATE, clipped
from amp.domain.times import format_ms, parse_ms
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import Fault, Unprocessable

#: Limits on the values of a type in a message: characters of one value, and number of values.
_MAX_VALUE_CHARS, _MAX_LISTED = 40, 10
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1


def conform_metadata(metadata: Mapping[str, Any], asset_type: AssetType, limits: AssetLimits) -> dict[str, Value]:
    """Return `metadata` with every value in the canonical form of its field. Nulls are left out.

    :raises Unprocessable: some values do not fit; it has up to `MAX_FAULTS` faults with their places.
    """
    faults: list[Fault] = []
    result: dict[str, Value] = {}
    count = 0
    for key, raw in metadata.items():
        if len(faults) >= MAX_FAULTS:
            break
        if raw is None:
            continue
        pointer = f"/metadata/{escape_pointer(key)}"
        declared = asset_type.fields.get(key)
        if declared is None:
            faults.append(Fault(pointer, f"type {asset_type.name} has no field {key[:128]!r}"))
            continue
        try:
            value = _conform_field(raw, declared, limits)
        except ValueError as e:
            place, why = _place_and_reason(e)
            faults.append(Fault(pointer + place, why))
            continue
        count += len(value) if isinstance(value, tuple) else 1
        result[key] = value
    missing = (
        Fault(f"/metadata/{key}", "is required")
        for key, declared in asset_type.fields.items()
        if declared.required and metadata.get(key) in (None, [], ())
    )
    faults += islice(missing, MAX_FAULTS - len(faults))
    if count > limits.values:
        faults.append(Fault("/metadata", f"has {count} values, arrays flattened; at most {limits.values} are allowed"))
    if faults:
        raise Unprocessable(f"the metadata does not fit type {asset_type.name}", faults)
    return result


def misfit(raw: Any, declared: Field, limits: AssetLimits) -> tuple[str, str] | None:
    """Return where in the value, as a JSON pointer, and why it does not fit the field; None if it fits. Null fits."""
    if raw is None:
        return None
    try:
        _conform_field(raw, declared, limits)
    except ValueError as e:
        return _place_and_reason(e)
    return None


def _place_and_reason(error: ValueError) -> tuple[str, str]:
    return (error.args[0], error.args[1]) if len(error.args) == 2 else ("", error.args[0])


def _conform_field(raw: Any, declared: Field, limits: AssetLimits) -> Value:
    allowed: Collection[Scalar] | None = declared.enum
    if not declared.array:
        if isinstance(raw, list | tuple):
            raise ValueError(f"takes a single {declared.type}, not an array")
        return _conform_scalar(raw, declared, allowed, limits)
    if not isinstance(raw, list | tuple):
        raise ValueError(f"takes an array of {declared.type}")
    if allowed is not None and len(raw) > 1:
        allowed = frozenset(allowed)
    values = []
    for i, item in enumerate(raw):
        try:
            values.append(_conform_scalar(item, declared, allowed, limits))
        except ValueError as e:
            raise ValueError(f"/{i}", e.args[0]) from e
    return tuple(values)


def _conform_scalar(raw: Any, declared: Field, allowed: Collection[Scalar] | None, limits: AssetLimits) -> Scalar:
    value = canonical_scalar(raw, declared.type, limits)
    if declared.enum is not None and allowed is not None and value not in allowed:
        raise ValueError(f"is none of the {len(declared.enum)} allowed values: {_listed(declared.enum)}")
    if declared.minimum is not None and value < declared.minimum:  # type: ignore[operator]
        raise ValueError(f"is less than the minimum {clipped(str(declared.minimum), _MAX_VALUE_CHARS)}")
    if declared.maximum is not None and value > declared.maximum:  # type: ignore[operator]
        raise ValueError(f"is more than the maximum {clipped(str(declared.maximum), _MAX_VALUE_CHARS)}")
    return value


def _listed(values: Sequence[Scalar]) -> str:
    """Return the first of the values as text, in a few hundred characters at most."""
    listed = ", ".join(clipped(repr(value), _MAX_VALUE_CHARS) for value in values[:_MAX_LISTED])
    return listed if len(values) <= _MAX_LISTED else f"{listed}, …"


def canonical_scalar(raw: Any, kind: FieldType, limits: AssetLimits) -> Scalar:
    """Return `raw`, as parsed from JSON, in the canonical form of `kind`.

    :raises ValueError: it is of another kind, or the kind cannot represent it; it is never rounded.
    """
    match kind:
        case FieldType.STRING | FieldType.TEXT:
            if not isinstance(raw, str):
                raise ValueError(f"takes a {kind}, not {_kind_of(raw)}")
            check_text(raw, limits.string_bytes if kind is FieldType.STRING else limits.text_bytes)
            return raw
        case FieldType.LONG:
            return _canonical_long(raw)
        case FieldType.DOUBLE:
            return _canonical_double(raw)
        case FieldType.BOOLEAN:
            if not isinstance(raw, bool):
                raise ValueError(f"takes true or false, not {_kind_of(raw)}")
            return raw
        case FieldType.DATE:
            if not isinstance(raw, str):
                raise ValueError(f"takes a date as text, not {_kind_of(raw)}")
            return format_ms(parse_ms(raw))


def _canonical_long(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"takes a whole number, not {_kind_of(raw)}")
    if isinstance(raw, float) and not raw.is_integer():
        raise ValueError(f"takes a whole number, not {raw}")
    number = int(raw)
    if not LONG_MIN <= number <= LONG_MAX:
        raise ValueError("is beyond 64 bits")
    return number


def _canonical_double(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"takes a number, not {_kind_of(raw)}")
    if isinstance(raw, int) and (not LONG_MIN <= raw <= LONG_MAX or int(float(raw)) != raw):
        raise ValueError("is a whole number that a double cannot hold exactly")
    if not math.isfinite(raw):
        raise ValueError("takes a finite number")
    return float(raw) or 0.0  # -0.0 becomes 0.0


def check_text(text: str, max_bytes: int) -> None:
    """Accept `text` if every store can keep it and it is not too long.

    :raises ValueError: `text` contains U+0000 or an unpaired surrogate, or is longer than `max_bytes` in UTF-8.
    """
    if "\x00" in text:
        raise ValueError(CONTAINS_NUL)
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as e:
        raise ValueError(CONTAINS_SURROGATE) from e
    if size > max_bytes:
        raise ValueError(f"is {size} bytes long in UTF-8; at most {max_bytes} are allowed")


def text_faults(texts: Iterator[tuple[str, str]], max_bytes: int) -> list[Fault]:
    """Return the faults that `check_text` finds in pairs of JSON pointer and text, up to `MAX_FAULTS`."""
    faults: list[Fault] = []
    for pointer, text in texts:
        if len(faults) >= MAX_FAULTS:
            break
        try:
            check_text(text, max_bytes)
        except ValueError as e:
            faults.append(Fault(pointer, e.args[0]))
    return faults


def escape_pointer(key: str) -> str:
    """Return `key` as one step of a JSON pointer (RFC 6901), cut off after 128 characters."""
    return key[:128].replace("~", "~0").replace("/", "~1")


def _kind_of(raw: Any) -> str:
    match raw:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "an array"
        case dict():
            return "an object"
        case None:
            return "null"
    return type(raw).__name__
