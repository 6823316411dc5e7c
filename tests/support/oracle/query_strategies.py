"""Random search requests as clients send them, about things that exist in a dataset more often than not."""

import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from amp.domain.queries import ROOT_FIELDS
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN
from tests.support.oracle import values
from tests.support.oracle.datasets import Dataset
from tests.support.oracle.items import rfc3339
from tests.support.oracle.query_oracle import field_values
from tests.support.oracle.values import draw_prefix, draw_words, pick

_DATES = [
    *("2020-01-01", "2020-01-01T01:00:00+01:00", "2019-12-31t19:00:00.0009-05:00", "2020-01-01 00:00:00.001z"),
    *("2020-01-01T00:00:00.5Z", "1970-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    # These read as no date.
    *("2020-13-01", "2020-01-01T00:00:00", "20200101", "2020-01-01T24:00:00Z", "2020-1-1", " 2020-01-01"),
]
_COMPARED = ["gte", "lte", "prefix", "eq", "in", "gt", "lt", "prefix"]
_ROOTS = list(ROOT_FIELDS)
_up_to_three = st.integers(0, 3)


def draw_search(draw: DrawFn, dataset: Dataset) -> dict[str, Any]:
    in_this_dataset: dict[str, Any] = {"field": "project", "in": list(dataset.projects)}
    if draw(st.booleans()):
        # Says the same, but gives an index no place to look.
        in_this_dataset = {"not": {"not": in_this_dataset}}
    search: dict[str, Any] = {
        "query": {"all": [in_this_dataset, _query(draw, dataset, depth=3)]},
        "sort": [
            {"field": _ordered(draw, dataset), "order": pick(draw, ["asc", "desc"])}
            for _ in range(pick(draw, [0, 0, 1, 2, 3]))
        ],
        "size": draw(st.integers(2, 20)),
        "facets": {
            f"f{i}": {"field": _ordered(draw, dataset), "size": pick(draw, [1, 2, 5, 50])}
            for i in range(pick(draw, [0, 0, 1, 2]))
        },
        "versions": pick(draw, ["latest", "all"]),
    }
    if draw(st.integers(0, 5)) == 5:
        search["text"] = " ".join(draw_words(draw, [text for item in dataset.items for text in item.all_text()]))
    return search


def _sort(draw: DrawFn, dataset: Dataset) -> dict[str, Any]:
    return {"field": _ordered(draw, dataset), "order": pick(draw, ["asc", "desc"])}


def _ordered(draw: DrawFn, dataset: Dataset) -> str:
    """Something to sort or count by."""
    keys = [key for key in dataset.known_keys() if dataset.kinds(key) != {FieldType.TEXT}]
    return f"metadata.{pick(draw, keys)}" if keys and draw(st.booleans()) else pick(draw, _ROOTS)


def _query(draw: DrawFn, dataset: Dataset, depth: int) -> dict[str, Any]:
    shape = pick(draw, [*["condition"] * 4, *(["any", "any", "all", "not"] if depth else [])])
    match shape:
        case "condition":
            return _condition(draw, dataset)
        case "not":
            return {"not": _query(draw, dataset, depth - 1)}
    return {shape: [_query(draw, dataset, depth - 1) for _ in range(pick(draw, [2, 1, 3]))]}


def _condition(draw: DrawFn, dataset: Dataset) -> dict[str, Any]:
    key = _key(draw, dataset)
    field = pick(draw, _ROOTS) if key is None else f"metadata.{key}"
    known = [_in_json(*value) for item in dataset.items for value in field_values(item, field)]
    condition: dict[str, Any] = {"field": field}
    operators = _operators(dataset, key, field)
    for _ in range(pick(draw, [1, 1, 2])):
        operator = pick(draw, operators)
        condition[operator] = _operand(draw, operator, known)
    return condition


def _key(draw: DrawFn, dataset: Dataset) -> str | None:
    """One that some asset has, or any, or none."""
    used = [key for item in dataset.items for key in item.asset.metadata if item.values(key)]
    return pick(draw, [*(used or dataset.known_keys()), pick(draw, dataset.known_keys()), None])


def _operators(dataset: Dataset, key: str | None, field: str) -> list[str]:
    """Those that are not refused."""
    only_text = key is not None and dataset.kinds(key) == {FieldType.TEXT}
    matched = ["match"] if key is not None or field == "name" else []
    return [*([] if only_text else _COMPARED), *matched, "exists"]


def _operand(draw: DrawFn, operator: str, known: list[Any]) -> Any:
    texts = [value for value in known if isinstance(value, str)]
    match operator:
        case "exists":
            return draw(st.booleans())
        case "match":
            return " ".join(draw_words(draw, texts))
        case "prefix":
            text = pick(draw, texts) if texts and draw(st.booleans()) else draw(values.strings)
            return draw_prefix(draw, text)
        case "in":
            return [_scalar(draw, known) for _ in range(draw(st.integers(1, 3)))]
        case "eq":
            return _scalar(draw, known)
    value = _scalar(draw, known)
    return draw(values.longs) if isinstance(value, bool) else value


def _scalar(draw: DrawFn, known: list[Any]) -> Any:
    """Something known, something near it, or anything."""
    if not known or draw(_up_to_three) == 3:
        return draw(st.sampled_from(_DATES) | values.strings | values.longs | values.doubles | st.booleans())
    value = pick(draw, known)
    if isinstance(value, bool | str) or draw(_up_to_three) < 2:
        return value
    near = [float(value), value + 0.5, value - 0.5, math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]
    near += [value + 1, value - 1, *([int(value) + 1, int(value) - 1] if float(value).is_integer() else [])]
    allowed = [n for n in near if (LONG_MIN <= n <= LONG_MAX if isinstance(n, int) else math.isfinite(n))]
    return pick(draw, allowed)


def _in_json(kind: FieldType, value: Any) -> Any:
    return rfc3339(value) if kind is FieldType.DATE else value
