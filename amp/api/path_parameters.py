"""Declares each path parameter once, for reading, validation and the OpenAPI document."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from amp.api.errors import BadRequest
from amp.api.parameters import STRING, parse_text
from amp.domain.ids import parse_id
from amp.domain.types import KEY
from amp.errors import BucketNotFound, DeadLetterNotFound, InvalidId, JobNotFound, TypeNotFound

_MAX_NUMBER = 2**31 - 1
_BUCKET = re.compile(r"\d{14}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class PathParameter:
    name: str
    description: str
    schema: dict[str, Any]
    parse: Callable[[str], Any]
    example: str | int | None = None  #: None: no value is valid on every server

    def document(self) -> dict[str, Any]:
        document = {
            "name": self.name,
            "in": "path",
            "description": self.description,
            "required": True,
            "schema": self.schema,
        }
        return document if self.example is None else document | {"example": self.example}


def _path_text(text: str) -> str:
    try:
        return parse_text(text)
    except ValueError as e:
        raise BadRequest(f"path parameter {text[:64]!r} {e}") from e


def _path_number(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,9}", text, re.ASCII) or int(text) > _MAX_NUMBER:
        raise BadRequest(f"version {text[:64]!r} must be a whole number from 1 to {_MAX_NUMBER}")
    return int(text)


def _bucket_name(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise BucketNotFound(
            f"there is no bucket {text[:64]!r}; a bucket is named by its start, such as 20260101000000"
        )
    return text


def _job_id(text: str) -> UUID:
    try:
        return parse_id(text)
    except InvalidId as e:
        raise JobNotFound(f"there is no job {text[:64]!r}") from e


def _dead_letter_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as e:
        raise DeadLetterNotFound(f"there is no dead letter {text[:64]!r}") from e


def _type_name(text: str) -> str:
    if not KEY.fullmatch(text):
        raise TypeNotFound(f"there is no asset type {text[:128]!r}")
    return text


_NUMBER = {"type": "integer", "minimum": 1, "maximum": _MAX_NUMBER}

PATH: dict[str, PathParameter] = {
    parameter.name: parameter
    for parameter in (
        PathParameter(
            name="asset_id",
            description="The asset's id, a time-UUID (version 1, 6 or 7).",
            schema={"type": "string", "format": "uuid"},
            parse=parse_id,
        ),
        PathParameter(
            name="version", description="A version number, from 1.", schema=_NUMBER, parse=_path_number, example=1
        ),
        PathParameter(
            name="project", description="The asset's project.", schema=STRING, parse=_path_text, example="default"
        ),
        PathParameter(
            name="external_id",
            description="The asset's external id, unique in its project. Slashes need not be encoded.",
            schema=STRING,
            parse=_path_text,
            example="reel-7",
        ),
        PathParameter(
            name="bucket_name",
            description="The name of a time bucket: its start as `yyyyMMddHHmmss`, UTC.",
            schema={"type": "string", "pattern": f"^{_BUCKET.pattern}$"},
            parse=_bucket_name,
            example="19700101000000",
        ),
        PathParameter(
            name="job_id",
            description="The id of a job.",
            schema={"type": "string", "format": "uuid"},
            parse=_job_id,
        ),
        PathParameter(
            name="dead_letter_id",
            description="The id of a dead letter.",
            schema={"type": "string", "format": "uuid"},
            parse=_dead_letter_id,
        ),
        PathParameter(
            name="type_name",
            description="The name of an asset type.",
            schema={"type": "string", "pattern": f"^{KEY.pattern}$"},
            parse=_type_name,
            example="clip",
        ),
    )
}
