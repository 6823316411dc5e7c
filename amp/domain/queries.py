"""The query tree that clients send: conditions on fields, joined by all, any and not."""

from dataclasses import dataclass
from typing import Any

#: Root fields a condition or sort may name, beside `metadata.<key>`.
ROOT_FIELDS = (
    "id",
    "external_id",
    "type",
    "name",
    "project",
    "labels",
    "state",
    "version",
    "created_at",
    "updated_at",
)
METADATA_PREFIX = "metadata."
OPERATORS = ("eq", "in", "gt", "gte", "lt", "lte", "exists", "prefix", "match")


@dataclass(frozen=True, slots=True)
class Condition:
    """All of `operators` (name → operand) hold together, in an array on the same element."""

    field: str
    operators: tuple[tuple[str, Any], ...]
    pointer: str = ""  #: where it stands in the request, for faults


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Any_:
    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Query"


Query = Condition | All | Any_ | Not


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool = False
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    field: str
    size: int = 10
    pointer: str = ""
