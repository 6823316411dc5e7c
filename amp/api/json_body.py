"""Reads request bodies: media type, size and encoding first, then strict JSON, then the model."""

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from amp.api import strict_json
from amp.api.current import amp
from amp.api.errors import MalformedJson, UnsupportedMediaType
from amp.domain.limits import MAX_FAULTS
from amp.domain.validation import escape_pointer
from amp.errors import Fault, Invalid, TooLarge, Unprocessable
from amp.settings import Settings

Model = TypeVar("Model", bound=BaseModel)
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
NDJSON = "application/x-ndjson"
#: Steps of pydantic's places that are part of no pointer: tags of a union's members, and "this key".
TAG = "tag:"
_KEY_STEP = "[key]"
_PIECE = 64 * 1024
_PLAIN_MESSAGES = {"missing": "is required", "extra_forbidden": "is not known here"}
#: What the library puts before the messages of our own validators.
_PREFIX = "Value error, "


@dataclass(frozen=True)
class JsonBody(Generic[Model]):
    """A JSON object as `model` has it."""

    model: type[Model]
    example: Mapping[str, Any]
    media_types: tuple[str, ...] = (JSON,)
    #: What a body that does not fit the model raises.
    refusal: type[Invalid] = Unprocessable
    #: No body at all is the same as an empty object.
    optional: bool = False
    #: It may be as long as that of a bulk request.
    bulk: bool = False
    #: Arrays, objects and members of them that it may hold; None: as many as one asset's.
    max_values: int | None = None

    def read(self) -> Model:
        """:raises Invalid: with the place of every fault."""
        settings = amp().settings
        max_bytes = settings.max_bulk_bytes if self.bulk else single_bytes(settings)
        if self.optional and not request.mimetype and not unpacked_body(max_bytes):
            return self.model()
        media_type(self.media_types)
        max_values = self.max_values or amp().limits.body_values
        value = strict_json.parse(unpacked_body(max_bytes), max_values)
        return conform(self.model, checked_object(value), self.refusal)

    def document(self) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{self.model.__name__}"}
        content = {name: {"schema": schema, "example": self.example} for name in self.media_types}
        return {"required": not self.optional, "content": content}

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        return (self.model,)


def conform(model: type[Model], value: Mapping[str, Any], refusal: type[Invalid] = Unprocessable) -> Model:
    """:raises Invalid: as `refusal`, with the place of every fault."""
    try:
        return model.model_validate(_without_most_unknown(model, value))
    except ValidationError as e:
        faults = [
            Fault(_pointer(error["loc"]), _PLAIN_MESSAGES.get(error["type"], error["msg"].removeprefix(_PREFIX)))
            for error in e.errors(include_url=False, include_context=False, include_input=False)[:MAX_FAULTS]
        ]
        raise refusal(f"{faults[0].pointer or 'the body'}: {faults[0].detail}", faults) from e


def _without_most_unknown(model: type[BaseModel], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """As many members that the model does not know as a refusal names: each would be a fault of its own."""
    if len(value) <= MAX_FAULTS:
        return value
    known = {field.alias or name for name, field in model.model_fields.items()}
    unknown = itertools.islice((name for name in value if name not in known), MAX_FAULTS)
    return {name: value[name] for name in itertools.chain(known & value.keys(), unknown)}


def checked_object(value: Any) -> Mapping[str, Any]:
    """:raises MalformedJson: `value` is no JSON object."""
    if not isinstance(value, dict):
        raise MalformedJson("must be a JSON object", [Fault("", "must be a JSON object")])
    return value


def media_type(accepted: tuple[str, ...]) -> str:
    """The body's media type, without parameters.

    :raises UnsupportedMediaType: it is none of `accepted`, or its text is not UTF-8.
    """
    given = request.mimetype
    if given not in accepted:
        raise UnsupportedMediaType(f"Content-Type {given[:100]!r} is not accepted here; send {' or '.join(accepted)}")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"charset {charset[:40]!r} is not accepted; JSON is UTF-8")
    return given


def unpacked_body(max_bytes: int) -> bytes:
    """The body, unpacked if it came packed.

    :raises TooLarge: it has more bytes than that.
    :raises UnsupportedMediaType: it is packed with something other than gzip.
    :raises MalformedJson: it cannot be unpacked.
    """
    too_large = TooLarge(f"the body has more than the {max_bytes} bytes that are allowed")
    # A body in chunks is cut off at this length without an error, so it is one more than allowed.
    request.max_content_length = max_bytes + 1
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge as e:
        raise too_large from e
    if len(data) > max_bytes:
        raise too_large
    match request.headers.get("Content-Encoding", "identity").strip().lower():
        case "identity" | "":
            return data
        case "gzip" | "x-gzip":
            unpacked = _gunzip(data, max_bytes)
        case other:
            raise UnsupportedMediaType(f"Content-Encoding {other[:40]!r} is not accepted; send gzip or none")
    if unpacked is None:
        raise too_large
    return unpacked


def _gunzip(data: bytes, max_bytes: int) -> bytes | None:
    """None: there is more in it than that."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    pieces = bytearray()
    try:
        while data and not unpacker.eof:
            pieces += unpacker.decompress(data, _PIECE)
            data = unpacker.unconsumed_tail
            if len(pieces) > max_bytes:
                return None
        pieces += unpacker.flush()
    except zlib.error as e:
        raise MalformedJson(f"the body is not gzip: {e}") from e
    if not unpacker.eof or unpacker.unused_data:
        raise MalformedJson("the body is not one whole gzip stream")
    return bytes(pieces) if len(pieces) <= max_bytes else None


def single_bytes(settings: Settings) -> int:
    """Of a body, or of an item of one, that brings one asset."""
    # Twice, because the limit is on what is kept, and JSON may be written with blanks and escapes.
    return 2 * settings.max_asset_bytes


def _pointer(loc: tuple[int | str, ...]) -> str:
    return "".join(f"/{escape_pointer(str(step))}" for step in loc if not _is_mark(step))


def _is_mark(step: int | str) -> bool:
    return isinstance(step, str) and (step.startswith(TAG) or step == _KEY_STEP)
