"""Text is a number only if nothing of its notation is lost, and says what else it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing.cells import Hint, Notation, Reading, read_cell, read_number, read_value
from amp.domain.types import FieldType

_PLAIN = Notation()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-2", -2), ("0", 0), ("2.5", 2.5), ("1.0", 1.0), ("-0.5", -0.5), ("1e+16", 1e16), (" 7 ", 7)],
)
def test_a_number_is_read_if_it_would_be_written_the_same(text: str, value: float) -> None:
    reading = read_cell(text, _PLAIN)
    assert reading.value == value
    assert reading.kind is (FieldType.LONG if isinstance(value, int) else FieldType.DOUBLE)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("007", Hint.INEXACT),
        ("1.10", Hint.INEXACT),
        ("1e3", Hint.INEXACT),
        ("+5", Hint.INEXACT),
        (".5", Hint.INEXACT),
        ("0.12345678901234567890", Hint.INEXACT),
        ("99999999999999999999", Hint.TOO_LARGE),
        ("9223372036854775808", Hint.TOO_LARGE),
        ("N/A", Hint.NULL_WORD),
        ("-", Hint.NULL_WORD),
        ("1,234,567", Hint.THOUSANDS),
        ("2 000", Hint.THOUSANDS),
        ("0,5", Hint.DECIMAL_COMMA),
        ("1.234,5", Hint.DECIMAL_COMMA),
        ("06/12/1998", Hint.DATE_ORDER),
        ("1998-06-12 10:30", Hint.LOCAL_TIME),
        ("32E0134", None),
        ("45%", None),
        ("yes", None),
        ("1,2,3", None),
        ("-dash", None),
    ],
)
def test_other_text_stays_text_and_says_what_it_may_be(text: str, hint: Hint | None) -> None:
    assert read_cell(text, _PLAIN) == Reading(FieldType.STRING, text, hint)


@pytest.mark.parametrize(
    ("text", "notation", "value"),
    [
        ("1,234,567", Notation(thousands=","), 1234567),
        ("1,234.5", Notation(thousands=","), 1234.5),
        ("-2'000", Notation(thousands="'"), -2000),
        ("0,5", Notation(decimal=","), 0.5),
        ("1.234,5", Notation(decimal=","), 1234.5),
        ("1 234,5", Notation(thousands=" ", decimal=","), 1234.5),
        ("12", Notation(decimal=","), 12),
    ],
)
def test_marks_that_the_user_names_are_read(text: str, notation: Notation, value: float) -> None:
    assert read_cell(text, notation).value == value
    assert read_number(text, notation) == value


@pytest.mark.parametrize(
    ("text", "notation"),
    [("1,23", Notation(thousands=",")), ("1,2345", Notation(thousands=",")), ("1,2,3", Notation(decimal=","))],
)
def test_marks_in_the_wrong_places_are_not_read(text: str, notation: Notation) -> None:
    assert read_cell(text, notation).kind is FieldType.STRING
    assert read_number(text, notation) is None


@pytest.mark.parametrize("notation", [Notation(thousands=","), Notation(decimal=","), Notation()])
def test_numbers_of_any_length_are_read_or_left(notation: Notation) -> None:
    for text in ("9" * 10_000, "1" + ",111" * 3_000, "1." + "5" * 10_000, "1," + "5" * 300, "1e999", "0," + "0" * 399):
        read_cell(text, notation)
        read_number(text, notation)


def test_words_for_a_missing_value_are_those_that_the_user_names() -> None:
    assert read_cell("NA", Notation(null=frozenset({"NA"}))) == Reading(None, None)
    assert read_value("-", Notation(null=frozenset({"-"})), textual=False) == Reading(None, None)


def test_a_number_that_is_asked_for_may_be_in_any_notation() -> None:
    assert read_number("007", _PLAIN) == 7
    assert read_number("1.10", _PLAIN) == 1.1
    assert read_number("1e400", _PLAIN) is None
    assert read_number("99999999999999999999", _PLAIN) is None


@given(st.integers() | st.floats())
def test_every_number_is_read_as_python_writes_it(number: float) -> None:
    reading = read_cell(str(number), _PLAIN)
    if reading.kind is not FieldType.STRING:
        assert str(reading.value) == str(number)


@given(st.text())
def test_a_number_that_is_read_would_be_written_the_same(text: str) -> None:
    reading = read_cell(text, _PLAIN)
    if reading.kind in (FieldType.LONG, FieldType.DOUBLE):
        assert str(reading.value) == text.strip()
