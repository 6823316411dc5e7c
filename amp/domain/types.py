"""Asset types: named, versioned schemas. Each version is compatible with the one before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from amp.domain.times import format_ms, parse_ms

#: Pattern of field keys, which are the metadata keys, and of type names.
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}", re.ASCII)


class FieldType(StrEnum):
    STRING = "string"
    TEXT = "text"
    LONG = "long"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATE = "date"


Bound = int | float | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    type: FieldType
    required: bool = False
    array: bool = False
    #: Allowed values in canonical form; None: all are allowed.
    enum: tuple[str | int | float | bool, ...] | None = None
    minimum: Bound | None = None  #: smallest value allowed, in canonical form (dates as text)
    maximum: Bound | None = None  #: largest value allowed, in canonical form
    unit: str | None = None
    label: str | None = None  #: the name by which people know the field
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetType:
    name: str
    version: int  #: 1, 2, 3 …
    description: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    created_ms: int = 0  #: when this version was registered
    created_by: str = ""


def incompatibilities(old: AssetType, new: AssetType) -> list[tuple[str, str]]:
    """Return the reasons why `new` cannot follow `old`, as pairs of JSON pointer and reason; empty if it can.

    Every asset valid under `old` must be valid under `new`, and every field must keep its meaning in the index.
    """
    reasons: list[tuple[str, str]] = []
    for key, before in old.fields.items():
        after = new.fields.get(key)
        if after is None:
            reasons.append((f"/fields/{key}", "a field cannot be removed"))
        else:
            reasons += [(f"/fields/{key}/{what}", why) for what, why in _field_incompatibilities(before, after)]
    reasons += [
        (f"/fields/{key}/required", "a new field cannot be required, because existing assets do not have it")
        for key, added in new.fields.items()
        if key not in old.fields and added.required
    ]
    return reasons


def _field_incompatibilities(before: Field, after: Field) -> list[tuple[str, str]]:
    reasons = []
    if before.type != after.type:
        reasons.append(("type", f"cannot change from {before.type} to {after.type}"))
        return reasons
    if before.array != after.array:
        reasons.append(("array", "cannot change"))
    if after.required and not before.required:
        reasons.append(("required", "an optional field cannot become required"))
    if after.enum is not None and (before.enum is None or not set(before.enum) <= set(after.enum)):
        reasons.append(("enum", "can only become wider: values allowed before must stay allowed"))
    if after.minimum is not None and (before.minimum is None or after.minimum > before.minimum):  # type: ignore[operator]
        reasons.append(("minimum", "can only become lower"))
    if after.maximum is not None and (before.maximum is None or after.maximum < before.maximum):  # type: ignore[operator]
        reasons.append(("maximum", "can only become higher"))
    if before.unit is not None and before.unit != after.unit:
        reasons.append(("unit", f"cannot change from {before.unit!r}: the meaning of stored values would change"))
    return reasons


def type_json(asset_type: AssetType) -> dict[str, Any]:
    """Return the type in JSON form; the inverse of `type_from_json`."""
    return {
        "name": asset_type.name,
        "version": asset_type.version,
        "description": asset_type.description,
        "fields": {key: _field_json(declared) for key, declared in asset_type.fields.items()},
        "created_at": format_ms(asset_type.created_ms),
        "created_by": asset_type.created_by,
    }


def type_from_json(data: Mapping[str, Any]) -> AssetType:
    return AssetType(
        name=data["name"],
        version=data["version"],
        description=data["description"],
        fields={key: _field_from_json(declared) for key, declared in data["fields"].items()},
        created_ms=parse_ms(data["created_at"]),
        created_by=data["created_by"],
    )


def _field_json(declared: Field) -> dict[str, Any]:
    """Return the field in JSON form. Properties with default values are left out, except `type`."""
    optional: dict[str, Any] = {
        "required": declared.required or None,
        "array": declared.array or None,
        "enum": None if declared.enum is None else list(declared.enum),
        "minimum": declared.minimum,
        "maximum": declared.maximum,
        "unit": declared.unit,
        "label": declared.label,
        "description": declared.description,
    }
    return {"type": declared.type.value} | {name: value for name, value in optional.items() if value is not None}


def _field_from_json(data: Mapping[str, Any]) -> Field:
    values = dict(data)
    enum = values.pop("enum", None)
    kind = FieldType(values.pop("type"))
    return Field(type=kind, enum=None if enum is None else tuple(enum), **values)
