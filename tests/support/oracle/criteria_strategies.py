"""Random search requests over criteria, about things that exist in a dataset more often than not."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

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
from amp.domain.types import FieldType
from tests.support.oracle import values
from tests.support.oracle.criteria_oracle import root_values
from tests.support.oracle.datasets import KEYS, Dataset
from tests.support.oracle.values import draw_prefix, draw_words, pick

_ROOTS = list(RootField)
_up_to_three = st.integers(0, 3)


def draw_request(draw: DrawFn, dataset: Dataset) -> IndexQuery:
    in_this_dataset: Criteria = RootMatches(RootField.PROJECT, (OneOf(dataset.projects),))
    if draw(st.booleans()):
        # Says the same, but gives an index no place to look.
        in_this_dataset = NotOf(NotOf(in_this_dataset))
    return IndexQuery(
        criteria=AllOf((in_this_dataset, _criteria(draw, dataset, depth=3))),
        sort=tuple(SortBy(*_ordered(draw, dataset), draw(st.booleans())) for _ in range(pick(draw, [0, 0, 1, 2, 3]))),
        size=draw(st.integers(2, 20)),
        total_limit=pick(draw, [10_000, None, 3, 2]),
        facets=tuple(
            FacetOn(f"f{i}", *_ordered(draw, dataset), pick(draw, [1, 2, 5, 50]))
            for i in range(pick(draw, [0, 0, 1, 2]))
        ),
        all_versions=draw(st.booleans()),
    )


def _ordered(draw: DrawFn, dataset: Dataset) -> tuple[RootField | None, str | None]:
    """Something to sort or count by."""
    keys = [key for key in dataset.known_keys() if dataset.kinds(key) != {FieldType.TEXT}]
    if keys and draw(st.booleans()):
        return None, pick(draw, keys)
    return pick(draw, _ROOTS), None


def _criteria(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:
    shapes = [_entry, _entry, _entry, _entry, _root, _text, *([_any, _any, _all, _not] if depth else [])]
    return pick(draw, shapes)(draw, dataset, depth - 1)


def _all(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:
    return AllOf(_several(draw, dataset, depth))


def _any(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:
    return AnyOf(_several(draw, dataset, depth))


def _not(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:
    return NotOf(_criteria(draw, dataset, depth))


def _several(draw: DrawFn, dataset: Dataset, depth: int) -> tuple[Criteria, ...]:
    return tuple(_criteria(draw, dataset, depth) for _ in range(pick(draw, [2, 1, 3, 0])))


def _text(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:  # noqa: ARG001  one of several shapes
    return TextMatches(draw_words(draw, [text for item in dataset.items for text in item.all_text()]))


def _entry(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:  # noqa: ARG001  one of several shapes
    used = [key for item in dataset.items for key in item.asset.metadata if item.values(key)]
    key = pick(draw, [*used, *dataset.known_keys(), KEYS[0]])
    if draw(st.integers(0, 4)) == 4:
        return EntryExists(key)
    kind = pick(draw, sorted(dataset.kinds(key)) or list(FieldType))
    known = [value for item in dataset.items for of, value in item.values(key) if of is kind]
    return EntryMatches(key, kind, _tests(draw, kind, known))


def _root(draw: DrawFn, dataset: Dataset, depth: int) -> Criteria:  # noqa: ARG001  one of several shapes
    field = pick(draw, _ROOTS)
    if draw(st.integers(0, 4)) == 4:
        return RootExists(field)
    known = [value for item in dataset.items for value in root_values(item, field)]
    numeric = field in (RootField.VERSION, RootField.CREATED, RootField.UPDATED)
    tests = _tests(draw, FieldType.DATE if numeric else FieldType.STRING, known)
    if field is not RootField.NAME:
        tests = tuple(test for test in tests if not isinstance(test, Words)) or (Range(),)
    return RootMatches(field, tests)


def _tests(draw: DrawFn, kind: FieldType, known: list[Any]) -> tuple[Test, ...]:
    return tuple(_test(draw, kind, known) for _ in range(pick(draw, [1, 1, 2])))


def _test(draw: DrawFn, kind: FieldType, known: list[Any]) -> Test:
    def value() -> Any:
        if known and draw(_up_to_three) < 3:
            return pick(draw, known)
        return draw(values.dates_ms if kind is FieldType.DATE else values.of_kind[kind])

    shapes = [Words] if kind is FieldType.TEXT else [OneOf]
    shapes += [] if kind in (FieldType.TEXT, FieldType.BOOLEAN) else [Range, Range]
    shapes += [Prefix, Words] if kind is FieldType.STRING else []
    shape = pick(draw, shapes)
    if shape is Words:
        return Words(draw_words(draw, known))
    if shape is OneOf:
        return OneOf(tuple(value() for _ in range(pick(draw, [1, 1, 2, 3]))))
    if shape is Prefix:
        return Prefix(draw_prefix(draw, value()))
    low, high = (value() if draw(st.booleans()) else None for _ in range(2))
    return Range(low, high, draw(st.booleans()), draw(st.booleans()))
