"""Strict JSON: what is taken, what is refused, and where."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.api.errors import MalformedJson
from amp.api.strict_json import MAX_DEPTH, parse, parse_items, parse_lines

LONGS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | LONGS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_whatever_json_can_say_is_taken_unchanged(value: Any, ascii_only: bool) -> None:
    found = parse(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert found == value
    assert json.dumps(found) == json.dumps(value)  # 1 is not 1.0, and -0.0 not 0


@given(st.binary(max_size=40))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        json.dumps(parse(data))


def refusal(data: bytes) -> MalformedJson:
    with pytest.raises(MalformedJson) as caught:
        parse(data)
    return caught.value


@pytest.mark.parametrize(
    ("text", "pointer", "detail"),
    [
        ('{"a": [1, {"b": NaN}]}', "/a/1/b", "NaN is not JSON"),
        ("[1e309]", "/0", "double"),
        ("9223372036854775808", "", "beyond 64 bits"),
        ("-9223372036854775809", "", "beyond 64 bits"),
        ('{"x/y": {"~": 99999999999999999999}}', "/x~1y/~0", "beyond 64 bits"),
        ('{"a": {"k": 1, "j": 2, "k": 3}}', "/a", "'k' more than once"),
        (r'["\udfff"]', "/0", "lone surrogate"),
        (r'["\ud83d"]', "/0", "lone surrogate"),
        (r'{"\ud83d": 1}', "", "lone surrogate"),
        (r'["x\u0000"]', "/0", "U+0000"),
        (r'{"\ud800": 1, "\ud800": 2}', "", "more than once"),
    ],
)
def test_a_refused_value_is_named_by_its_pointer(text: str, pointer: str, detail: str) -> None:
    error = refusal(text.encode())
    assert error.faults[0].pointer == pointer
    assert detail in error.faults[0].detail
    error.message.encode()  # what goes into an answer must be text


@pytest.mark.parametrize(
    ("data", "place"),
    [(b'{\n "a" 1}', "line 2, column 6"), (b"", "line 1, column 1"), (b'"\xff"', "byte 1"), (b"[1] x", "column 5")],
)
def test_what_cannot_be_read_is_named_by_its_place(data: bytes, place: str) -> None:
    assert place in refusal(data).message


def test_extremes_that_fit_are_taken() -> None:
    assert parse(b"[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]
    assert parse(rb'"\ud83d\ude00 \u0001"') == "😀 \x01"
    assert parse(rb'"\\u0000 \\ud800"') == r"\u0000 \ud800"
    assert parse(b"1.7976931348623157e308") == 1.7976931348623157e308


def test_nesting_is_taken_to_its_bound_and_no_further() -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deepest = opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH
        parse(deepest)
        assert "deeper" in refusal(opening + deepest + closing).message
        assert "deeper" in refusal(opening * 5000 + b"1" + closing * 5000).message
    wide = b"[" + b",".join([b"[]"] * 1000) + b"]"
    assert len(parse(wide)) == 1000


def test_items_are_refused_one_by_one() -> None:
    items = parse_items(rb'[1, NaN, {"a": 1, "a": 2}, "\u0000", [1]]', most=10)
    assert [isinstance(item, MalformedJson) for item in items] == [False, True, True, True, False]
    assert [item.faults[0].pointer for item in items if isinstance(item, MalformedJson)] == ["", "", ""]


def test_no_more_is_looked_into_than_tells_that_there_is_too_much() -> None:
    assert len(parse_items(b"[1,2,3,4,5]", most=3)) == 4
    assert len(parse_lines(b"1\n2\n3\n4\n5", most=3)) == 4


def test_lines_are_read_one_by_one() -> None:
    found = parse_lines(b'\n{"a": 1}\r\n \nNaN\n{"a": 2}', most=10)
    assert found[0] == {"a": 1}
    assert isinstance(found[1], MalformedJson)
    assert found[2] == {"a": 2}
