"""Asset types in requests and responses."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from amp.api.models.values import Ignored, Scalar, Strict, Time
from amp.domain.limits import MAX_FAULTS, AssetLimits
from amp.domain.storable_text import clipped
from amp.domain.types import KEY, FieldType
from amp.domain.types import Field as DeclaredField
from amp.domain.validation import canonical_scalar, check_text, escape_pointer
from amp.errors import Fault, Unprocessable

#: Maximum number of arrays, objects and their members in a definition.
MAX_VALUES = 20_000
_MAX_FIELDS = 1_000
_MAX_ENUM = 1_000
_UNORDERED = (FieldType.BOOLEAN, FieldType.TEXT)
Kind = Literal["string", "text", "long", "double", "boolean", "date"]


class FieldIn(Strict):
    """A field that assets of the type may or must have."""

    type: Kind
    required: bool = False
    array: bool = False
    enum: list[Scalar] | None = Field(None, description="The allowed values. Not supported for `text`.")
    minimum: Scalar | None = Field(
        None, description="The smallest allowed value. Not supported for `text` and `boolean`."
    )
    maximum: Scalar | None = Field(
        None, description="The largest allowed value. Not supported for `text` and `boolean`."
    )
    unit: str | None = None
    label: str | None = Field(None, description="The name by which people know the field.")
    description: str | None = None


class _Definition(Strict):
    description: str = ""
    fields: dict[str, FieldIn] = Field(
        default_factory=dict,
        json_schema_extra={"propertyNames": {"pattern": f"^{KEY.pattern}$"}, "maxProperties": _MAX_FIELDS},
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_extends(cls, value: Any) -> Any:
        if isinstance(value, dict) and "extends" in value:
            detail = "is not supported yet: a type cannot extend another one"
            raise Unprocessable.at("/extends", detail)
        return value

    def declared_fields(self, limits: AssetLimits) -> dict[str, DeclaredField]:
        """Return the fields in canonical form.

        :raises Unprocessable: the definition is not valid; the error has the place of every fault, up to `MAX_FAULTS`.
        """
        faults = list(_text_faults("/description", self.description, limits.text_bytes))
        if len(self.fields) > _MAX_FIELDS:
            count = f"has {len(self.fields)} fields; at most {_MAX_FIELDS} are allowed"
            faults.append(Fault("/fields", f"{count}. Omit some, or register several types"))
        declared = {}
        for key, field in self.fields.items():
            if len(faults) >= MAX_FAULTS:
                break
            pointer = f"/fields/{escape_pointer(key)}"
            if not KEY.fullmatch(key):
                faults.append(Fault(pointer, f"is not a valid field name; it {_KEY_RULE}"))
            declared[key] = _declared(field, pointer, limits, faults)
        if faults:
            raise Unprocessable(f"{faults[0].pointer}: {faults[0].detail}", faults)
        return declared


class TypeCreate(_Definition):
    """An asset type to register."""

    name: str = Field(json_schema_extra={"pattern": f"^{KEY.pattern}$"})

    def checked_name(self) -> str:
        """Return the name.

        :raises Unprocessable: it is not a valid name of a type.
        """
        if not KEY.fullmatch(self.name):
            raise Unprocessable.at("/name", _KEY_RULE)
        return self.name


class TypeReplacement(_Definition):
    """The next version of an asset type. Members that the server sets are ignored."""

    name: str | None = None
    version: Ignored = None
    created_at: Ignored = None
    created_by: Ignored = None

    def check_name(self, name: str) -> None:
        """:raises Unprocessable: the body has a name, and it differs from `name`, that of the path."""
        if "name" in self.model_fields_set and self.name != name:
            raise Unprocessable.at("/name", "differs from the path")


class FieldOut(BaseModel):
    """A field. Members that have their default value are omitted."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(required=["type"]))

    type: Kind
    required: bool = False
    array: bool = False
    enum: list[Scalar] = Field(default=[])
    minimum: Scalar = None
    maximum: Scalar = None
    unit: str = ""
    label: str = ""
    description: str = ""


class TypeOut(BaseModel):
    """One version of an asset type."""

    name: str
    version: int
    description: str
    fields: dict[str, FieldOut]
    created_at: Time
    created_by: str


class TypeList(BaseModel):
    """One page of asset types, sorted by name, with the newest version of each."""

    items: list[TypeOut]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


_KEY_RULE = "must start with a letter, followed by letters, digits, '_', '.' and '-', at most 128 characters in all"


def _declared(field: FieldIn, pointer: str, limits: AssetLimits, faults: list[Fault]) -> DeclaredField:
    kind = FieldType(field.type)
    faults += _text_faults(f"{pointer}/unit", field.unit or "", limits.name_bytes)
    faults += _text_faults(f"{pointer}/label", field.label or "", limits.name_bytes)
    faults += _text_faults(f"{pointer}/description", field.description or "", limits.text_bytes)
    minimum = _bound(field.minimum, kind, f"{pointer}/minimum", limits, faults)
    maximum = _bound(field.maximum, kind, f"{pointer}/maximum", limits, faults)
    if minimum is not None and maximum is not None and minimum > maximum:
        faults.append(Fault(f"{pointer}/minimum", f"is greater than the maximum {clipped(str(maximum), 40)}"))
    return DeclaredField(
        type=kind,
        required=field.required,
        array=field.array,
        enum=None if field.enum is None else _enum(field.enum, kind, f"{pointer}/enum", limits, faults),
        minimum=minimum,
        maximum=maximum,
        unit=field.unit,
        label=field.label,
        description=field.description,
    )


def _enum(
    values: list[Any], kind: FieldType, pointer: str, limits: AssetLimits, faults: list[Fault]
) -> tuple[Any, ...] | None:
    if kind is FieldType.TEXT:
        faults.append(Fault(pointer, "is not supported for text, which is searched by words; use the type string"))
        return None
    if not 1 <= len(values) <= _MAX_ENUM:
        faults.append(Fault(pointer, f"has {len(values)} values; 1 to {_MAX_ENUM} are allowed"))
        return None
    allowed = [_canonical(value, kind, f"{pointer}/{i}", limits, faults) for i, value in enumerate(values)]
    return tuple(dict.fromkeys(allowed))


def _bound(value: Any, kind: FieldType, pointer: str, limits: AssetLimits, faults: list[Fault]) -> Any:
    if value is None:
        return None
    if kind in _UNORDERED:
        faults.append(Fault(pointer, f"is not supported for {kind}, whose values have no order"))
        return None
    return _canonical(value, kind, pointer, limits, faults)


def _canonical(value: Any, kind: FieldType, pointer: str, limits: AssetLimits, faults: list[Fault]) -> Any:
    try:
        return canonical_scalar(value, kind, limits)
    except ValueError as e:
        faults.append(Fault(pointer, str(e)))
        return None


def _text_faults(pointer: str, text: str, max_bytes: int) -> Iterator[Fault]:
    try:
        check_text(text, max_bytes)
    except ValueError as e:
        yield Fault(pointer, str(e))
