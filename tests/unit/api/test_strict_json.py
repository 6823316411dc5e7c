"""Strict JSON: what is taken, what is refused, and where."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.api import strict_json
from amp.api.errors import MalformedJson
from amp.api.json_structure import MAX_CONTAINERS, MAX_DEPTH
from amp.api.strict_json import ArrayItems, LineItems
from amp.errors import TooLarge

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


def parse(data: bytes) -> Any:
    return strict_json.parse(data, 10_000)


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
        (r'["\udfff"]', "/0", "unpaired surrogate"),
        (r'["\ud83d"]', "/0", "unpaired surrogate"),
        (r'{"\ud83d": 1}', "", "unpaired surrogate"),
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
    items = array_items(rb'[1, NaN, {"a": 1, "a": 2}, "\u0000", [1]]')
    assert [isinstance(item, MalformedJson) for item in items] == [False, True, True, True, False]
    assert [item.faults[0].pointer for item in items if isinstance(item, MalformedJson)] == ["", "", ""]


@given(st.lists(VALUES, max_size=6), st.booleans(), st.sampled_from([None, 1]))
def test_items_of_an_array_are_those_that_json_gives(values: list[Any], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(values, ensure_ascii=ascii_only, indent=indent)
    assert array_items(text.encode()) == values


@given(st.text('[]{},:"\\1a \n', max_size=14))
def test_an_array_is_taken_just_when_json_takes_it(inner: str) -> None:
    text = f"[{inner}]"
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(MalformedJson):
            array_items(text.encode())
    else:
        found = array_items(text.encode())
        assert [item for item in found if not isinstance(item, MalformedJson)] == expected or len(found) == len(
            expected
        )


@pytest.mark.parametrize(
    "data", [b"[1,2", b"[1}", b"[1]]", b'["a]', b"[1,]", b"[,]", b"[1,,2]", b'[{"a" 1}]', b"[1 2]"]
)
def test_a_broken_array_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(MalformedJson) as caught:
        array_items(data)
    assert "line 1, column" in caught.value.message


def test_a_long_array_is_checked_to_its_end_before_its_first_item_is_given() -> None:
    item = b'{"a": "' + b"x" * 1000 + b'", "b": 12345678901234567890123}'
    data = b"[" + b",".join([item] * 1000) + b"]"
    items = array_items(data)
    assert len(items) == 1000
    assert all(isinstance(item, MalformedJson) for item in items)
    with pytest.raises(MalformedJson):
        array_items(data[:-2] + b"]")


def test_an_empty_array_has_no_items() -> None:
    assert array_items(b" [ ] ") == []


def test_too_many_items_are_refused_without_looking_at_all() -> None:
    for items, data in ((ArrayItems, b"[" + b"1," * 100_000), (LineItems, b"1\n" * 100_000)):
        with pytest.raises(TooLarge):
            items(data, 3, 100, 100)


def test_too_many_arrays_and_objects_are_refused() -> None:
    with pytest.raises(TooLarge):
        ArrayItems(b"[[" + b"[]," * (MAX_CONTAINERS + 1) + b"[]]]", 10, 10**9, 10**9)


def test_the_size_of_an_item_is_counted_in_bytes_whatever_its_characters() -> None:
    fits, long = '"' + "日" * 16 + '"', '"' + "日" * 17 + '"'
    for items, text in ((ArrayItems, f"[{fits},{long}]"), (LineItems, f"{fits}\n{long}")):
        assert [type(item) for item in items(text.encode(), 10, 50, 10)] == [str, TooLarge]


def test_an_item_with_too_much_in_it_is_refused_alone() -> None:
    many, long, deep = b"[" + b"1," * 20 + b"1]", b'"' + b"x" * 60 + b'"', b"[" * 45 + b"]" * 45
    for found in (
        ArrayItems(b"[1," + many + b"," + long + b"," + deep + b',"[[,,"]', 10, 50, 10),
        LineItems(b"1\n" + many + b"\n" + long + b"\n" + deep + b'\n"[[,,"', 10, 50, 10),
    ):
        assert [type(item) for item in found] == [int, TooLarge, TooLarge, TooLarge, str]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[' + "1," * 50 + "1]}",
        "[" * 30 + "[]," * 40,
        '"",' * 200,
        '["\\",,,"]' * 100,
        "[" + '"a","b",' * 30,
        "[" + '"[[[[",' * 200,
    ],
)
def test_more_values_than_allowed_are_refused_before_they_are_built(text: str) -> None:
    with pytest.raises(TooLarge):
        strict_json.parse(text.encode(), 40)


def test_commas_and_brackets_in_strings_are_no_values() -> None:
    text = json.dumps({"a": "[{," * 1000, "b": ['"', "\\", ",", '\\"[']})
    assert strict_json.parse(text.encode(), 10) == json.loads(text)


def test_lines_are_read_one_by_one() -> None:
    found = list(LineItems(b'\n{"a": 1}\r\n \nNaN\n{"a": 2}\n\n  ', 10, 100, 100))
    assert len(found) == 3
    assert found[0] == {"a": 1}
    assert isinstance(found[1], MalformedJson)
    assert found[2] == {"a": 2}


@pytest.mark.parametrize(
    "data",
    [b"[" * 2_000_000, b'"' * 2_000_000, b"\\" * 2_000_000, b"\n" * 2_000_000, b'[,"\\"' * 400_000, b" " * 2_000_000],
)
def test_no_text_costs_more_than_its_length(data: bytes) -> None:
    began_s = time.process_time()
    for read in (
        lambda: strict_json.parse(data, 3000),
        lambda: ArrayItems(data, 10_000, 10**7, 3000),
        lambda: list(LineItems(data, 10_000, 10**7, 3000)),
    ):
        with contextlib.suppress(MalformedJson, TooLarge):
            read()
    assert time.process_time() - began_s < 2


def array_items(data: bytes) -> list[Any]:
    return list(ArrayItems(data, 10_000, 10**7, 10_000))


def test_a_string_that_never_ends_costs_no_more_than_its_length() -> None:
    text = "[" * 41 + '"' + '\\"' * 500_000
    began_s = time.process_time()
    with pytest.raises(MalformedJson):
        strict_json.parse(text.encode(), 1_000)
    assert time.process_time() - began_s < 2
