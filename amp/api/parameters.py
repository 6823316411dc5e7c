"""Parameters in the path and the query: each declared once, for reading, for refusing and for the OpenAPI document."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import request

from amp.api.errors import BadRequest
from amp.domain.ids import parse_id
from amp.domain.types import KEY
from amp.domain.validation import check_text
from amp.errors import BucketNotFound, InvalidId, JobNotFound, TypeNotFound

T = TypeVar("T")
_MAX_PAGE = 200
#: The whole map at once, as a rule.
_MAX_BUCKETS = 10_000
_MAX_WAIT_S = 60.0
_MAX_NUMBER = 2**31 - 1
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)", re.ASCII)
_BUCKET = re.compile(r"\d{14}", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, kw_only=True)
class QueryParameter(Generic[T]):
    name: str
    description: str
    schema: dict[str, Any]
    #: Raises `ValueError` with what is accepted.
    parse: Callable[[str], T]
    default: T
    required: bool = False

    def read(self) -> T:
        """:raises BadRequest: it is missing, given twice, or not what it takes."""
        values = request.args.getlist(self.name)
        if not values:
            if self.required:
                raise BadRequest(f"query parameter {self.name} is required")
            return self.default
        if len(values) > 1:
            raise BadRequest(f"query parameter {self.name} is given {len(values)} times")
        try:
            return self.parse(values[0])
        except ValueError as e:
            raise BadRequest(f"query parameter {self.name} {e}") from e

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "in": "query",
            "description": self.description,
            "required": self.required,
            "schema": self.schema,
        }


@dataclass(frozen=True, kw_only=True)
class PathParameter:
    name: str
    description: str
    schema: dict[str, Any]
    parse: Callable[[str], Any]

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "in": "path",
            "description": self.description,
            "required": True,
            "schema": self.schema,
        }


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("takes true or false")
    return text == "true"


def _one_of(*accepted: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in accepted:
            raise ValueError(f"takes {' or '.join(accepted)}")
        return text

    return parse


def _within(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"takes a whole number from {least} to {most}")
        return int(text)

    return parse


def _duration_s(text: str) -> float:
    found = _DURATION.fullmatch(text)
    seconds = float(found[1]) * _UNIT_S[found[2]] if found else None
    if seconds is None or seconds > _MAX_WAIT_S:
        raise ValueError(f"takes a duration such as 500ms or 5s, of at most {_MAX_WAIT_S:.0f}s")
    return seconds


def _text(text: str) -> str:
    check_text(text, 1024)
    if not text:
        raise ValueError("cannot be empty")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _path_text(text: str) -> str:
    try:
        return _text(text)
    except ValueError as e:
        raise BadRequest(f"a part of the path {e}") from e


def _path_number(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,9}", text, re.ASCII) or int(text) > _MAX_NUMBER:
        raise BadRequest(f"a version is a whole number from 1 to {_MAX_NUMBER}")
    return int(text)


def _bucket_name(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise BucketNotFound(f"there is no bucket {text[:64]!r}: a bucket's name is its start, as 20260101000000")
    return text


def _job_id(text: str) -> UUID:
    try:
        return parse_id(text)
    except InvalidId as e:
        raise JobNotFound(f"there is no job {text[:64]!r}") from e


def _type_name(text: str) -> str:
    if not KEY.fullmatch(text):
        raise TypeNotFound(f"there is no asset type {text[:128]!r}")
    return text


_STRING = {"type": "string", "minLength": 1, "maxLength": 1024}
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
        PathParameter(name="version", description="A version, from 1.", schema=_NUMBER, parse=_path_number),
        PathParameter(name="project", description="The asset's project.", schema=_STRING, parse=_path_text),
        PathParameter(
            name="external_id",
            description="The asset's external id, unique in its project; slashes may stand as they are.",
            schema=_STRING,
            parse=_path_text,
        ),
        PathParameter(
            name="bucket_name",
            description="The name of a time bucket: its start as `yyyyMMddHHmmss`, UTC.",
            schema={"type": "string", "pattern": f"^{_BUCKET.pattern}$"},
            parse=_bucket_name,
        ),
        PathParameter(
            name="job_id",
            description="The id of a job.",
            schema={"type": "string", "format": "uuid"},
            parse=_job_id,
        ),
        PathParameter(
            name="type_name",
            description="The name of an asset type.",
            schema={"type": "string", "pattern": f"^{KEY.pattern}$"},
            parse=_type_name,
        ),
    )
}

DELETED = QueryParameter(
    name="deleted", description="`true` shows deleted assets too.", schema={"type": "boolean"}, parse=_flag,
    default=False,
)  # fmt: skip
LONGS = QueryParameter(
    name="longs",
    description="`string` gives `long` values of metadata as strings, for clients whose numbers end at 2⁵³.",
    schema={"enum": ["string", "number"]},
    parse=_one_of("string", "number"),
    default="number",
)
FIELDS: QueryParameter[tuple[str, ...] | None] = QueryParameter(
    name="fields",
    description="What to give of each item, by commas: fields of an asset, `metadata.<key>` among them.",
    schema={"type": "string", "pattern": "^[^,]+(,[^,]+)*$"},
    parse=_names,
    default=None,
)
LIMIT = QueryParameter(
    name="limit",
    description="How many items to give at most.",
    schema={"type": "integer", "minimum": 1, "maximum": _MAX_PAGE, "default": 50},
    parse=_within(1, _MAX_PAGE),
    default=50,
)
BUCKETS_LIMIT = QueryParameter(
    name="limit",
    description="How many items to give at most.",
    schema={"type": "integer", "minimum": 1, "maximum": _MAX_BUCKETS, "default": _MAX_BUCKETS},
    parse=_within(1, _MAX_BUCKETS),
    default=_MAX_BUCKETS,
)
SIZE = QueryParameter(
    name="size",
    description="How many items to give at most.",
    schema={"type": "integer", "minimum": 0, "maximum": _MAX_PAGE, "default": 20},
    parse=_within(0, _MAX_PAGE),
    default=20,
)
CURSOR: QueryParameter[str | None] = QueryParameter(
    name="cursor",
    description="`next_cursor` of the page before; good for the same request by the same caller only.",
    schema={"type": "string"},
    parse=str,
    default=None,
)
WAIT_FOR: QueryParameter[str | None] = QueryParameter(
    name="wait_for",
    description="`searchable`: answer once the caller's searches see the change. If `timeout` passes first, the "
    "answer is the same, with the header `AMP-Searchable: pending`.",
    schema={"enum": ["searchable"]},
    parse=_one_of("searchable"),
    default=None,
)
TIMEOUT = QueryParameter(
    name="timeout",
    description="How long `wait_for` waits at most: `500ms`, `5s`, up to `60s`.",
    schema={"type": "string", "pattern": r"^([1-5]?\d(\.\d{1,3})?s|\d{1,4}ms)$", "default": "5s"},
    parse=_duration_s,
    default=5.0,
)
TYPE: QueryParameter[str | None] = QueryParameter(
    name="type", description="Assets of this type only.", schema=_STRING, parse=_text, default=None
)
PROJECT: QueryParameter[str | None] = QueryParameter(
    name="project",
    description="Assets of this project only; with `external_id`, `default` unless given.",
    schema=_STRING,
    parse=_text,
    default=None,
)
EXTERNAL_ID: QueryParameter[str | None] = QueryParameter(
    name="external_id",
    description="The one asset of the project that has this external id.",
    schema=_STRING,
    parse=_text,
    default=None,
)
QUERY_TEXT = QueryParameter(
    name="q",
    description='The query in its compact text form: `codec:h264 AND width:>=1920 "opening titles"`.',
    schema={"type": "string"},
    parse=str,
    default="",
)
SORT: QueryParameter[tuple[str, ...]] = QueryParameter(
    name="sort",
    description="Fields to sort by, by commas, each `field` or `field:asc` or `field:desc`; newest first unless given.",
    schema={"type": "string"},
    parse=_names,
    default=(),
)
