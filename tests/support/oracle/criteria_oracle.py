"""Answers a search request over criteria by looking at every item."""

from collections.abc import Sequence
from typing import Any

from amp.domain.criteria import (
    AllOf,
    AnyOf,
    Criteria,
    EntryExists,
    EntryMatches,
    FacetOn,
    IndexQuery,
    NotOf,
    OneOf,
    Prefix,
    Range,
    RootExists,
    RootField,
    RootMatches,
    SortBy,
    Test,
    TextMatches,
    Words,
)
from amp.domain.tokens import tokenize
from tests.support.oracle.items import Answer, Item, Ordering, commonest, in_order

_DATES = (RootField.CREATED, RootField.UPDATED)


def answer(items: Sequence[Item], request: IndexQuery) -> Answer:
    """Everything that matches; size, cursor and the limit of the total are left to whoever compares."""
    seen = [item for item in items if item.searched and (item.latest or request.all_versions)]
    found = [item for item in seen if holds(request.criteria, item)]
    ordered = in_order(found, [_ordering(sort) for sort in request.sort])
    facets = {
        facet.name: commonest(found, lambda item, f=facet: _ranked(item, f), facet.size) for facet in request.facets
    }
    return Answer([item.key for item in ordered], facets)


def holds(criteria: Criteria, item: Item) -> bool:
    match criteria:
        case AllOf(parts):
            return all(holds(part, item) for part in parts)
        case AnyOf(parts):
            return any(holds(part, item) for part in parts)
        case NotOf(part):
            return not holds(part, item)
        case TextMatches(words):
            return set(words) <= {word for text in item.all_text() for word in tokenize(text)}
        case EntryExists(key):
            return bool(item.values(key))
        case EntryMatches(key, kind, tests):
            return any(of is kind and _passes(value, tests) for of, value in item.values(key))
        case RootExists(field):
            return bool(root_values(item, field))
        case RootMatches(field, tests):
            return any(_passes(value, tests) for value in root_values(item, field))
    raise TypeError(criteria)


def root_values(item: Item, field: RootField) -> list[Any]:
    asset = item.asset
    match field:
        case RootField.ID:
            return [str(asset.id)]
        case RootField.EXTERNAL_ID:
            return [] if asset.external_id is None else [asset.external_id]
        case RootField.LABELS:
            return list(asset.labels)
        case RootField.CREATED:
            return [asset.created_ms]
        case RootField.UPDATED:
            return [asset.updated_ms]
        case RootField.STATE:
            return [asset.state.value]
    return [getattr(asset, field.value)]


def _passes(value: Any, tests: Sequence[Test]) -> bool:
    return all(_passes_one(value, test) for test in tests)


def _passes_one(value: Any, test: Test) -> bool:
    match test:
        case OneOf(values):
            return value in values
        case Range(low, high, low_open, high_open):
            above = low is None or (value > low if low_open else value >= low)
            return above and (high is None or (value < high if high_open else value <= high))
        case Prefix(text):
            return bool(value.startswith(text))
        case Words(words):
            return set(words) <= set(tokenize(value))


def _ordering(sort: SortBy) -> Ordering:
    if sort.root is not None:
        root = sort.root
        return Ordering(lambda item: root_values(item, root), sort.descending)
    return Ordering(lambda item: item.ranked(sort.key or ""), sort.descending)


def _ranked(item: Item, facet: FacetOn) -> list[tuple[int, Any]]:
    if facet.root is None:
        return item.ranked(facet.key or "")
    rank = 2 if facet.root in _DATES else 0
    return [(rank, value) for value in root_values(item, facet.root)]
