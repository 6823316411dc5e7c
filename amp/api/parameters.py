"""Declares each query parameter once, for reading, validation and the OpenAPI document."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import request

from amp.api.errors import BadRequest
from amp.domain.validation import check_text

T = TypeVar("T")
_MAX_PAGE = 200
#: So many that one page normally contains the whole bucket map.
_MAX_BUCKETS = 10_000
_MAX_WAIT_S = 60.0
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, kw_only=True)
class QueryParameter(Generic[T]):
    name: str
    description: str
    schema: dict[str, Any]
    #: Raises `ValueError` with a predicate, such as "must be true or false", if the text is not accepted.
    parse: Callable[[str], T]
    default: T
    required: bool = False

    def read(self) -> T:
        """Return the value in the current request, or the default.

        :raises BadRequest: the parameter is missing, occurs more than once, or has a value that is not accepted.
        """
        values = request.args.getlist(self.name)
        if not values:
            if self.required:
                raise BadRequest(f"query parameter {self.name} is required")
            return self.default
        if len(values) > 1:
            raise BadRequest(f"query parameter {self.name} occurs {len(values)} times; send it once")
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


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _one_of(*accepted: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in accepted:
            raise ValueError(f"must be {' or '.join(accepted)}")
        return text

    return parse


def _within(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not minimum <= int(text) <= maximum:
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def _duration_s(text: str) -> float:
    match = _DURATION.fullmatch(text)
    duration_s = float(match[1]) * _UNIT_S[match[2]] if match else None
    if duration_s is None or duration_s > _MAX_WAIT_S:
        raise ValueError(f"must be a duration such as 500ms or 5s, at most {_MAX_WAIT_S:.0f}s")
    return duration_s


def parse_text(text: str) -> str:
    """Return `text` unchanged.

    :raises ValueError: `text` is empty, too long, or cannot be stored.
    """
    check_text(text, 1024)
    if not text:
        raise ValueError("must not be empty")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as e:
        raise ValueError("must be a UUID") from e


#: The schema of short texts.
STRING = {"type": "string", "minLength": 1, "maxLength": 1024}
DELETED = QueryParameter(
    name="deleted", description="`true` returns deleted assets too.", schema={"type": "boolean"}, parse=_flag,
    default=False,
)  # fmt: skip
LONGS = QueryParameter(
    name="longs",
    description="`string` returns `long` values of metadata as strings, for clients that represent whole numbers "
    "exactly only up to 2⁵³.",
    schema={"enum": ["string", "number"]},
    parse=_one_of("string", "number"),
    default="number",
)
FIELDS: QueryParameter[tuple[str, ...] | None] = QueryParameter(
    name="fields",
    description="The fields to return of each item, comma-separated: fields of an asset, or `metadata.<key>`.",
    schema={"type": "string", "pattern": "^[^,]+(,[^,]+)*$"},
    parse=_names,
    default=None,
)
LIMIT = QueryParameter(
    name="limit",
    description="The maximum number of items to return.",
    schema={"type": "integer", "minimum": 1, "maximum": _MAX_PAGE, "default": 50},
    parse=_within(1, _MAX_PAGE),
    default=50,
)
BUCKETS_LIMIT = QueryParameter(
    name="limit",
    description="The maximum number of items to return.",
    schema={"type": "integer", "minimum": 1, "maximum": _MAX_BUCKETS, "default": _MAX_BUCKETS},
    parse=_within(1, _MAX_BUCKETS),
    default=_MAX_BUCKETS,
)
SIZE = QueryParameter(
    name="size",
    description="The maximum number of items to return.",
    schema={"type": "integer", "minimum": 0, "maximum": _MAX_PAGE, "default": 20},
    parse=_within(0, _MAX_PAGE),
    default=20,
)
CURSOR: QueryParameter[str | None] = QueryParameter(
    name="cursor",
    description="`next_cursor` of the previous page. It is valid only for the same request by the same principal.",
    schema={"type": "string"},
    parse=str,
    default=None,
)
WAIT_FOR: QueryParameter[str | None] = QueryParameter(
    name="wait_for",
    description="`searchable`: respond once the principal's searches see the change. If `timeout` passes first, the "
    "response is the same, with the header `AMP-Searchable: pending`.",
    schema={"enum": ["searchable"]},
    parse=_one_of("searchable"),
    default=None,
)
TIMEOUT = QueryParameter(
    name="timeout",
    description="The maximum time that `wait_for` waits, such as `500ms` or `5s`, up to `60s`.",
    schema={"type": "string", "pattern": r"^([1-5]?\d(\.\d{1,3})?s|\d{1,4}ms)$", "default": "5s"},
    parse=_duration_s,
    default=5.0,
)
TYPE: QueryParameter[str | None] = QueryParameter(
    name="type", description="Return only assets of this type.", schema=STRING, parse=parse_text, default=None
)
PROJECT: QueryParameter[str | None] = QueryParameter(
    name="project",
    description="Return only assets of this project. With `external_id`, the project is `default` unless given.",
    schema=STRING,
    parse=parse_text,
    default=None,
)
EXTERNAL_ID: QueryParameter[str | None] = QueryParameter(
    name="external_id",
    description="Return only the asset of the project that has this external id.",
    schema=STRING,
    parse=parse_text,
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
    description="The fields to sort by, comma-separated, each `field`, `field:asc` or `field:desc`. Without it, the "
    "newest assets come first.",
    schema={"type": "string"},
    parse=_names,
    default=(),
)
TOTAL: QueryParameter[str | None] = QueryParameter(
    name="total",
    description="`exact`: `total` is exact, however many assets match.",
    schema={"enum": ["exact"]},
    parse=_one_of("exact"),
    default=None,
)
JOB = QueryParameter(
    name="job",
    description="Return only dead letters of this job.",
    schema={"type": "string", "format": "uuid"},
    parse=_uuid,
    default=None,
)
REASON = QueryParameter(
    name="reason",
    description="Return only dead letters whose reason contains this text.",
    schema=STRING,
    parse=parse_text,
    default=None,
)
