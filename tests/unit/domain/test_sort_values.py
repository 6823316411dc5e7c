"""Sort values: text whose order is the order of the values, and back."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amp.domain.assets import Scalar
from amp.domain.sort_values import sort_value, sort_value_json
from amp.domain.times import format_ms
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

longs = st.integers(LONG_MIN, LONG_MAX)
doubles = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.one_of(longs, doubles)
dates_ms = st.integers(-62_135_596_800_000, 253_402_300_799_999)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def encoded(number: int | float) -> str:
    return sort_value(FieldType.DOUBLE if isinstance(number, float) else FieldType.LONG, number)


def near(number: int) -> list[int]:
    return [n for n in (number - 1, number, number + 1) if LONG_MIN <= n <= LONG_MAX]


BORDERS = sorted(
    {n for power in (0, 52, 53, 54, 62, 63) for sign in (1, -1) for n in near(max(LONG_MIN, sign * (1 << power)))}
    | set(near(LONG_MAX))
)


@given(numbers, numbers)
@example(LONG_MAX, float(1 << 63))
@example(LONG_MIN, float(-(1 << 63)))
@example((1 << 53) + 1, float(1 << 53))
@example(-(1 << 53) - 1, float(-(1 << 53)))
@example(0, -0.0)
@example(5e-324, 0)
@example(-1.7976931348623157e308, LONG_MIN)
def test_numbers_of_both_kinds_sort_as_python_compares_them(a: int | float, b: int | float) -> None:
    assert (encoded(a) < encoded(b)) == (a < b)
    assert (encoded(a) == encoded(b)) == (a == b)


def test_longs_near_powers_of_two_sort_among_the_doubles_beside_them() -> None:
    doubles_there = {near_double for n in BORDERS for near_double in (float(n), math.nextafter(n, 0))}
    every = [*BORDERS, *doubles_there]
    assert sorted(every) == sorted(every, key=encoded)


@given(numbers)
@example(LONG_MAX)
@example(LONG_MIN)
@example(float(1 << 63))
@example(1e300)
def test_a_number_comes_back_as_it_was(number: int | float) -> None:
    assert sort_value_json(encoded(number)) == number


@pytest.mark.parametrize("number", [5, 5.0])
def test_a_whole_number_comes_back_as_an_integer(number: int | float) -> None:
    assert repr(sort_value_json(encoded(number))) == "5"


@given(dates_ms, dates_ms)
def test_dates_sort_by_time(a: int, b: int) -> None:
    assert (sort_value(FieldType.DATE, a) < sort_value(FieldType.DATE, b)) == (a < b)


@given(dates_ms)
def test_a_date_comes_back_in_its_json_form(ms: int) -> None:
    assert sort_value_json(sort_value(FieldType.DATE, ms)) == format_ms(ms)


@given(texts, texts)
def test_strings_sort_by_code_point_also_as_utf_8(a: str, b: str) -> None:
    left, right = sort_value(FieldType.STRING, a), sort_value(FieldType.STRING, b)
    assert (left < right) == (a < b)
    assert (left.encode() < right.encode()) == (a < b)


@given(texts)
def test_a_string_comes_back_as_it_was(text: str) -> None:
    assert sort_value_json(sort_value(FieldType.STRING, text)) == text


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_comes_back_as_it_was(value: bool) -> None:
    assert sort_value_json(sort_value(FieldType.BOOLEAN, value)) is value


@given(numbers, dates_ms, texts)
def test_kinds_sort_numbers_dates_booleans_strings(number: int | float, ms: int, text: str) -> None:
    values: list[tuple[FieldType, Scalar]] = [
        (FieldType.DATE, ms),
        (FieldType.BOOLEAN, False),
        (FieldType.BOOLEAN, True),
        (FieldType.STRING, text),
    ]
    in_order = [encoded(number), *(sort_value(kind, value) for kind, value in values)]
    assert in_order == sorted(in_order)


def test_text_has_no_order() -> None:
    with pytest.raises(ValueError, match="no order"):
        sort_value(FieldType.TEXT, "words")
