"""Answers a client's search request, in its JSON form, straight from the interface description.

Knows nothing of how the service resolves a query: each operator is asked of each value.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from amp.domain.tokens import tokenize
from amp.domain.types import FieldType
from tests.support.oracle.items import Answer, Item, Ordering, commonest, in_order

_DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = (FieldType.LONG, FieldType.DOUBLE)
_TEXTS = (FieldType.STRING, FieldType.TEXT)

Kinded = tuple[FieldType, Any]


def answer(items: Sequence[Item], request: Mapping[str, Any]) -> Answer:
    """Everything that matches; size, cursor and the limit of the total are left to whoever compares."""
    every_version = request.get("versions") == "all"
    seen = [item for item in items if item.searched and (item.latest or every_version)]
    words = set(tokenize(request.get("text", "")))
    found = [
        item
        for item in seen
        if words <= {word for text in item.all_text() for word in tokenize(text)}
        and ("query" not in request or holds(request["query"], item))
    ]
    orderings = [
        Ordering(lambda item, field=sort["field"]: _ranked(item, field), sort.get("order") == "desc")
        for sort in request.get("sort", ())
    ]
    facets = {
        name: commonest(found, lambda item, field=facet["field"]: _ranked(item, field), facet.get("size", 10))
        for name, facet in request.get("facets", {}).items()
    }
    return Answer([item.key for item in in_order(found, orderings)], facets)


def holds(query: Mapping[str, Any], item: Item) -> bool:
    if "all" in query:
        return all(holds(part, item) for part in query["all"])
    if "any" in query:
        return any(holds(part, item) for part in query["any"])
    if "not" in query:
        return not holds(query["not"], item)
    # Ids compare in any case, nothing else does.
    operators = {
        name: _lower(operand) if query["field"] == "id" else operand
        for name, operand in query.items()
        if name != "field"
    }
    values = field_values(item, query["field"])
    exists = operators.pop("exists", None)
    if exists is not None and exists != bool(values):
        return False
    return not operators or any(all(_is(value, *operator) for operator in operators.items()) for value in values)


def _lower(operand: Any) -> Any:
    if isinstance(operand, list):
        return [_lower(each) for each in operand]
    return operand.lower() if isinstance(operand, str) else operand


def field_values(item: Item, field: str) -> list[Kinded]:
    """The values of a field with their kind; dates in milliseconds."""
    if field.startswith("metadata."):
        return item.values(field.removeprefix("metadata."))
    asset = item.asset
    match field:
        case "created_at":
            return [(FieldType.DATE, asset.created_ms)]
        case "updated_at":
            return [(FieldType.DATE, asset.updated_ms)]
        case "version":
            return [(FieldType.LONG, asset.version)]
        case "labels":
            return [(FieldType.STRING, label) for label in asset.labels]
        case "external_id" if asset.external_id is None:
            return []
        case "state":
            return [(FieldType.STRING, asset.state.value)]
    return [(FieldType.STRING, str(getattr(asset, field)))]


def _is(value: Kinded, operator: str, operand: Any) -> bool:
    kind, plain = value
    if operator == "in":
        return any(_is(value, "eq", each) for each in operand)
    if operator == "match":
        return kind in _TEXTS and set(tokenize(operand)) <= set(tokenize(plain))
    if operator == "prefix":
        return kind is FieldType.STRING and bool(plain.startswith(operand))
    other = _comparable(kind, operand)
    if other is None:
        return False
    match operator:
        case "eq":
            return bool(plain == other)
        case "gt":
            return bool(plain > other)
        case "gte":
            return bool(plain >= other)
        case "lt":
            return bool(plain < other)
        case "lte":
            return bool(plain <= other)
    raise ValueError(operator)


def _comparable(kind: FieldType, operand: Any) -> Any:
    """The operand as values of that kind compare with it; None: they do not."""
    match operand:
        case bool():
            return operand if kind is FieldType.BOOLEAN else None
        case int() | float():
            return operand if kind in _NUMBERS else None
        case str():
            if kind is FieldType.DATE:
                return _milliseconds(operand)
            return operand if kind is FieldType.STRING else None
    raise TypeError(operand)


def _milliseconds(text: str) -> int | None:
    """None: it does not read as a date."""
    if not _DATE.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)


def _ranked(item: Item, field: str) -> list[tuple[int, Any]]:
    if field.startswith("metadata."):
        return item.ranked(field.removeprefix("metadata."))
    return [(2 if kind is FieldType.DATE else 0, value) for kind, value in field_values(item, field)]
