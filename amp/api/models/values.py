"""Pieces that request and answer models share: metadata, labels, times."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from amp.domain.types import KEY
from amp.domain.validation import LONG_MAX, LONG_MIN

_SCALARS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "integer", "format": "int64", "minimum": LONG_MIN, "maximum": LONG_MAX},
    {"type": "number", "format": "double"},
    {"type": "boolean"},
]
_KEYS = {"pattern": f"^{KEY.pattern}$"}


class Strict(BaseModel):
    """Takes what it names, and nothing is turned into something else."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _FirstFault:
    """Of a list, refuses the first element that does not fit instead of making a fault of each.

    Pydantic's own `FailFast` cannot be hashed, which unions need.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        schema["fail_fast"] = True
        found: CoreSchema = schema
        return found


_FIRST_FAULT = _FirstFault()
#: One value; which kind is right depends on the field, so services check it.
Scalar = Annotated[Any, WithJsonSchema({"anyOf": _SCALARS})]
#: Values by key, each as its field in the type says; services check them.
Metadata = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Values by key: a scalar, or an array of scalars, of the type that the field declares.",
            "propertyNames": _KEYS,
            "additionalProperties": {"anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}]},
        }
    ),
]
#: The same in a request, where null means that there is no value.
MetadataGiven = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Values by key: a scalar, or an array of scalars, of the type that the field declares; "
            "null is the same as absent.",
            "propertyNames": _KEYS,
            "additionalProperties": {
                "anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}, {"type": "null"}]
            },
        }
    ),
]
#: What the server keeps: taken in a body, so that what GET gave can be sent back, and ignored.
Ignored = Annotated[Any, WithJsonSchema({"description": "Kept by the server; ignored."})]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
#: In a request also a plain date, meaning midnight UTC.
TimeGiven = Annotated[
    str, WithJsonSchema({"type": "string", "description": "RFC 3339 with offset, or a plain date: midnight UTC."})
]
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Ids = Annotated[list[Id], _FIRST_FAULT]
Texts = Annotated[list[str], _FIRST_FAULT]
Labels = Texts
