"""Reads request bodies: checks media type, size and encoding, then parses strict JSON, then validates the model."""

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
from amp.api.validation_messages import plain_message
from amp.domain.limits import MAX_FAULTS
from amp.domain.validation import escape_pointer
from amp.errors import Fault, Invalid, TooLarge, Unprocessable
from amp.settings import Settings

Model = TypeVar("Model", bound=BaseModel)
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
NDJSON = "application/x-ndjson"
#: Steps of pydantic's error locations that do not belong into a JSON pointer: tags of union members, and the marker of
#: an error in a key.
TAG = "tag:"
_KEY_STEP = "[key]"
_GUNZIP_STEP_BYTES = 64 * 1024
_MAX_SUGGESTIONS = 10


@dataclass(frozen=True)
class JsonBody(Generic[Model]):
    """A request body that is a JSON object of the given model."""

    model: type[Model]
    example: Mapping[str, Any]
    media_types: tuple[str, ...] = (JSON,)
    #: The error that is raised if the body does not match the model.
    error: type[Invalid] = Unprocessable
    #: Whether a request without a body means an empty object.
    optional: bool = False
    #: Whether the size limit is that of bulk requests.
    bulk: bool = False
    #: Maximum number of arrays, objects and their members; None: the limit for one asset.
    max_values: int | None = None

    def read(self) -> Model:
        """Return the body of the current request.

        :raises Invalid: the body is not valid; the error has the place of every fault.
        """
        settings = amp().settings
        max_bytes = settings.max_bulk_bytes if self.bulk else max_asset_body_bytes(settings)
        if self.optional and not request.mimetype and not read_body(max_bytes):
            return self.model()
        read_media_type(self.media_types)
        max_values = self.max_values or amp().limits.body_values
        value = strict_json.parse(read_body(max_bytes), max_values)
        return validate(self.model, require_object(value, self.error), self.error)

    def document(self) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{self.model.__name__}"}
        content = {name: {"schema": schema, "example": self.example} for name in self.media_types}
        return {"required": not self.optional, "content": content}

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        return (self.model,)


def validate(
    model: type[Model], value: Mapping[str, Any], error: type[Invalid] = Unprocessable, *, suggest: bool = True
) -> Model:
    """Return `value` as a `model`.

    :param suggest: suggest similar names for the first unknown ones.
    :raises Invalid: the value is not valid; the error is of the class `error` and has the place of every fault, up to
        `MAX_FAULTS`.
    """
    try:
        return model.model_validate(_limit_unknown_members(model, value))
    except ValidationError as e:
        faults = [
            Fault(
                _pointer(details["loc"]), plain_message(model, details, suggest=suggest and number < _MAX_SUGGESTIONS)
            )
            for number, details in enumerate(e.errors(include_url=False)[:MAX_FAULTS])
        ]
        raise error(f"{faults[0].pointer or 'the body'}: {faults[0].detail}", faults) from e


def _limit_unknown_members(model: type[BaseModel], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `value` with at most `MAX_FAULTS` members that the model does not know. Each is a fault, and an error
    reports no more faults than that.
    """
    if len(value) <= MAX_FAULTS:
        return value
    known = {field.alias or name for name, field in model.model_fields.items()}
    unknown = itertools.islice((name for name in value if name not in known), MAX_FAULTS)
    return {name: value[name] for name in itertools.chain(known & value.keys(), unknown)}


def require_object(value: Any, error: type[Invalid] = Unprocessable) -> Mapping[str, Any]:
    """Return `value` unchanged.

    :raises Invalid: `value` is not a JSON object; the error is of the class `error`.
    """
    if not isinstance(value, dict):
        raise error("the body must be a JSON object", [Fault("", "must be a JSON object")])
    return value


def read_media_type(accepted: tuple[str, ...]) -> str:
    """Return the media type of the body, without parameters.

    :raises UnsupportedMediaType: it is none of `accepted`, or its charset is not UTF-8.
    """
    mimetype = request.mimetype
    if mimetype not in accepted:
        raise UnsupportedMediaType(f"Content-Type {mimetype[:100]!r} is not accepted; use {' or '.join(accepted)}")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"charset {charset[:40]!r} is not accepted; use utf-8")
    return mimetype


def read_body(max_bytes: int) -> bytes:
    """Return the body, decompressed if necessary.

    :raises TooLarge: it is longer than `max_bytes`, before or after decompression.
    :raises UnsupportedMediaType: it has a Content-Encoding other than gzip.
    :raises MalformedJson: it cannot be decompressed.
    """
    too_large = TooLarge(f"the body is longer than {max_bytes} bytes, the maximum")
    # A chunked body is cut off at this length without an error, so the length is one byte more than is allowed.
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
            decompressed = _gunzip(data, max_bytes)
        case other:
            raise UnsupportedMediaType(f"Content-Encoding {other[:40]!r} is not accepted; use gzip or none")
    if decompressed is None:
        raise too_large
    return decompressed


def _gunzip(data: bytes, max_bytes: int) -> bytes | None:
    """Return the decompressed data; None: it is longer than `max_bytes`."""
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    result = bytearray()
    try:
        while data and not decompressor.eof:
            result += decompressor.decompress(data, _GUNZIP_STEP_BYTES)
            data = decompressor.unconsumed_tail
            if len(result) > max_bytes:
                return None
        result += decompressor.flush()
    except zlib.error as e:
        raise MalformedJson(f"the body is not valid gzip: {e}") from e
    if not decompressor.eof or decompressor.unused_data:
        raise MalformedJson("the body must be exactly one complete gzip stream")
    return bytes(result) if len(result) <= max_bytes else None


def max_asset_body_bytes(settings: Settings) -> int:
    """Return the maximum size, in bytes, of a body with one asset, or of one item of a bulk body."""
    # Twice, because the limit applies to what is stored, and JSON may contain spaces and escapes.
    return 2 * settings.max_asset_bytes


def _pointer(loc: tuple[int | str, ...]) -> str:
    return "".join(f"/{escape_pointer(str(step))}" for step in loc if not _is_marker(step))


def _is_marker(step: int | str) -> bool:
    return isinstance(step, str) and (step.startswith(TAG) or step == _KEY_STEP)
