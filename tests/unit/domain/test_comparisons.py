"""Operands compare exactly with values of every kind: a test on values agrees with plain Python."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amp.domain.comparisons import tests_for as resolve
from amp.domain.criteria import OneOf, Prefix, Range, Test, Words
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

longs = st.integers(LONG_MIN, LONG_MAX)
doubles = st.floats(allow_nan=False, allow_infinity=False)
numbers = longs | doubles | st.sampled_from([2**53, 2**53 + 1, LONG_MAX, LONG_MIN, float(2**63), 0.5, -0.0])


def _passes(value: Any, test: Test) -> bool:
    match test:
        case OneOf(values):
            return value in values
        case Range(low, high, low_open, high_open):
            above = low is None or (value > low if low_open else value >= low)
            return above and (high is None or (value < high if high_open else value <= high))
    raise AssertionError(test)


_PYTHON = {
    "eq": lambda value, operand: value == operand,
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
}


@pytest.mark.parametrize("operator", sorted(_PYTHON))
@pytest.mark.parametrize(("kind", "values"), [(FieldType.LONG, longs), (FieldType.DOUBLE, doubles)])
def test_numbers_compare_as_python_compares_them(kind: FieldType, values: Any, operator: str) -> None:
    @given(values, numbers)
    def check(value: float, operand: float) -> None:
        found = resolve(kind, ((operator, operand),))
        passes = found is not None and all(_passes(value, test) for test in found)
        assert passes == _PYTHON[operator](value, operand)

    check()


@given(longs, longs)
@example(LONG_MAX, LONG_MAX)
def test_bounds_on_longs_are_whole_and_within_64_bits(low: int, high: int) -> None:
    for test in resolve(FieldType.LONG, (("gt", low), ("lte", high))) or ():
        assert isinstance(test, Range)
        assert not test.low_open
        assert not test.high_open
        assert all(LONG_MIN <= bound <= LONG_MAX for bound in (test.low, test.high) if bound is not None)  # type: ignore[operator]


def test_a_bound_that_no_long_can_pass_finds_nothing() -> None:
    assert resolve(FieldType.LONG, (("gt", LONG_MAX),)) is None
    assert resolve(FieldType.LONG, (("gte", 1e30),)) is None
    assert resolve(FieldType.LONG, (("lt", -1e30),)) is None
    assert resolve(FieldType.LONG, (("lt", 1e30),)) == (Range(high=LONG_MAX),)


def test_operands_of_another_kind_find_nothing() -> None:
    for kind, operand in [
        (FieldType.LONG, "5"),
        (FieldType.LONG, True),
        (FieldType.DOUBLE, False),
        (FieldType.STRING, 5),
        (FieldType.BOOLEAN, 1),
        (FieldType.DATE, "yesterday"),
        (FieldType.DATE, 0),
    ]:
        assert resolve(kind, (("eq", operand),)) is None
        assert resolve(kind, (("in", [operand]),)) is None


def test_in_keeps_the_values_that_fit_and_drops_the_others() -> None:
    assert resolve(FieldType.LONG, (("in", ["a", 5, 5.0, 1.5, True]),)) == (OneOf((5,)),)


def test_dates_are_compared_in_milliseconds() -> None:
    assert resolve(FieldType.DATE, (("gte", "1970-01-01T00:00:01Z"),)) == (Range(low=1000),)
    assert resolve(FieldType.DATE, (("eq", "1970-01-02"),)) == (OneOf((86_400_000,)),)


def test_match_and_prefix_are_for_words_and_strings() -> None:
    assert resolve(FieldType.TEXT, (("match", "Foo_bar foo"),)) == (Words(("foo", "bar")),)
    assert resolve(FieldType.STRING, (("prefix", "Fo"),)) == (Prefix("Fo"),)
    assert resolve(FieldType.TEXT, (("prefix", "Fo"),)) is None
    assert resolve(FieldType.LONG, (("match", "5"),)) is None
