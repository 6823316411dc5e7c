"""Parameters in the query: each declared once, for reading, for refusing and for the OpenAPI document."""

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
#: The whole map at once, as a rule.
_MAX_BUCKETS = 10_000
_MAX_WAIT_S = 60.0
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)", re.ASCII)
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


def text_of(text: str) -> str:
    """:raises ValueError: it is empty, or cannot be kept."""
    check_text(text, 1024)
    if not text:
        raise ValueError("cannot be empty")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as e:
        raise ValueError("is no id") from e


#: The schema of short texts.
STRING = {"type": "string", "minLength": 1, "maxLength": 1024}
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
    name="type", description="Assets of this type only.", schema=STRING, parse=text_of, default=None
)
PROJECT: QueryParameter[str | None] = QueryParameter(
    name="project",
    description="Assets of this project only; with `external_id`, `default` unless given.",
    schema=STRING,
    parse=text_of,
    default=None,
)
EXTERNAL_ID: QueryParameter[str | None] = QueryParameter(
    name="external_id",
    description="The one asset of the project that has this external id.",
    schema=STRING,
    parse=text_of,
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
TOTAL: QueryParameter[str | None] = QueryParameter(
    name="total",
    description="`exact` counts to the end.",
    schema={"enum": ["exact"]},
    parse=_one_of("exact"),
    default=None,
)
JOB = QueryParameter(
    name="job",
    description="Only those of this job.",
    schema={"type": "string", "format": "uuid"},
    parse=_uuid,
    default=None,
)
REASON = QueryParameter(
    name="reason",
    description="Only those whose reason contains this text.",
    schema=STRING,
    parse=text_of,
    default=None,
)
