"""The query tree that clients send: conditions on fields, joined by all, any and not."""

import json
from dataclasses import dataclass
from typing import Any

from amp.domain.criteria import RootField
from amp.domain.types import FieldType

#: Root fields by the name that clients use: their name in documents and the kind of their values.
ROOT_FIELDS: dict[str, tuple[RootField, FieldType]] = {
    "id": (RootField.ID, FieldType.STRING),
    "external_id": (RootField.EXTERNAL_ID, FieldType.STRING),
    "type": (RootField.TYPE, FieldType.STRING),
    "name": (RootField.NAME, FieldType.STRING),
    "project": (RootField.PROJECT, FieldType.STRING),
    "labels": (RootField.LABELS, FieldType.STRING),
    "state": (RootField.STATE, FieldType.STRING),
    "version": (RootField.VERSION, FieldType.LONG),
    "created_at": (RootField.CREATED, FieldType.DATE),
    "updated_at": (RootField.UPDATED, FieldType.DATE),
}
METADATA_PREFIX = "metadata."
OPERATORS = ("eq", "in", "gt", "gte", "lt", "lte", "exists", "prefix", "match")


@dataclass(frozen=True, slots=True)
class Condition:
    """All of `operators` (name → operand) hold; in an array, for the same element."""

    field: str
    operators: tuple[tuple[str, Any], ...]
    pointer: str = ""  #: JSON pointer to the condition in the request, for faults


@dataclass(frozen=True, slots=True)
class Conjunction:
    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: "Query"


Query = Condition | Conjunction | Disjunction | Negation


def query_identity(query: Query | None) -> str:
    """Return a text that is the same for the same query in every release, whatever the pointers of its conditions."""
    return json.dumps(_tree(query))


def _tree(query: Query | None) -> list[Any] | None:
    match query:
        case Conjunction(parts):
            return ["all", *map(_tree, parts)]
        case Disjunction(parts):
            return ["any", *map(_tree, parts)]
        case Negation(part):
            return ["not", _tree(part)]
        case Condition(field, operators):
            return ["condition", field, operators]
    return None


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
