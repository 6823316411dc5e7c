"""Types that several models share: metadata, labels, ids and times."""

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
    """The base of request models. Unknown members are rejected, and no value is converted to another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _FirstFault:
    """Makes a list report only its first invalid element, instead of a fault for each.

    Pydantic's own `FailFast` is not hashable, which unions require.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        schema["fail_fast"] = True
        typed: CoreSchema = schema
        return typed


_FIRST_FAULT = _FirstFault()
#: One value. Services check it, because its kind depends on the field.
Scalar = Annotated[Any, WithJsonSchema({"anyOf": _SCALARS})]
#: Values by key. Services check them, because their kinds depend on the asset type.
Metadata = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Values by key: a scalar, or an array of scalars, of the kind that the field declares.",
            "propertyNames": _KEYS,
            "additionalProperties": {"anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}]},
        }
    ),
]
#: The same in a request, where null means that there is no value.
MetadataIn = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Values by key: a scalar, or an array of scalars, of the kind that the field declares; "
            "null is the same as absent.",
            "propertyNames": _KEYS,
            "additionalProperties": {
                "anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}, {"type": "null"}]
            },
        }
    ),
]
#: A member that the server sets. It is accepted and ignored, so that the body of a GET response can be sent back.
Ignored = Annotated[Any, WithJsonSchema({"description": "Set by the server; ignored in requests."})]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
#: A time in a request, which may also be a date without a time.
TimeIn = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "description": "RFC 3339 with an offset, or a date, which means midnight UTC of that day."}
    ),
]
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Ids = Annotated[list[Id], _FIRST_FAULT]
Texts = Annotated[list[str], _FIRST_FAULT]
Labels = Texts
