"""Rows come out of JSON as they stand in it, whatever the chunk size; what is broken is reported with its line."""

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing.files import json_rows as json_rows_module
from amp.cli.importing.files import json_text, lines
from amp.cli.importing.files.json_rows import json_rows, ndjson_rows
from amp.cli.importing.files.row import Row
from amp.cli.importing.refused import ImportRefused


def opened(text: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "surrogatepass")), "utf-8-sig", "surrogatepass")


def rows(text: str, format_: str) -> list[Row]:
    return list((json_rows if format_ == "json" else ndjson_rows)(opened(text)))


def rows_of(text: str, format_: str) -> list[tuple[int, Any]]:
    """Line, and the row or what is wrong with it."""
    return [(row.line, row.problem or row.data) for row in rows(text, format_)]


def test_an_array_is_read_with_the_line_where_each_row_begins() -> None:
    text = '[\n  {"a": 1},\n  {"a":\n    2}, {"a": 3}\n,\n\n{"a": 4}]\n'
    assert rows_of(text, "json") == [(2, {"a": 1}), (3, {"a": 2}), (4, {"a": 3}), (7, {"a": 4})]


@pytest.mark.parametrize("text", ["[]", " [ \n ] ", "", "\ufeff[]"])
def test_an_empty_file_has_no_rows(text: str) -> None:
    assert rows(text, "json") == []


def test_objects_one_after_another_are_rows_too() -> None:
    assert rows_of('{"a": 1}\n{"a": 2}', "json") == [(1, {"a": 1}), (2, {"a": 2})]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[{"a": 1},\n{"a": ', 2, "is not JSON"),
        ('[{"a": 1}\n{"a": 2}]', 2, "comma"),
        ('[{"a": 1},\n', 2, "ends before its array"),
        ('[{"a": 1},\n]', 2, "is not JSON"),
        ('[{"a": 1},\nnope]', 2, "is not JSON"),
        ('[{"a": 1},\n' + "[" * 100_000, 2, "is not JSON"),
    ],
)
def test_an_array_that_is_broken_gives_what_came_before_and_the_line(text: str, line: int, why: str) -> None:
    first, *others = rows(text, "json")
    assert first.data == {"a": 1}
    (broken,) = others
    assert broken.line == line
    assert why in (broken.problem or "")
    assert "nothing after it could be read" in (broken.problem or "")


@pytest.mark.parametrize("rest", ['{"b": 2}', '[{"b": 2}]', ",", "]", "x"])
def test_what_follows_an_array_is_reported_and_not_left_out(rest: str) -> None:
    first, broken = rows(f'[{{"a": 1}}]\n\n{rest}', "json")
    assert first.data == {"a": 1}
    assert (broken.line, broken.problem) == (3, "follows the end of the array; nothing after it could be read")
    assert broken.raw == rest


def test_numbers_are_whole_whatever_the_size_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_CHUNK_CHARACTERS", 3)
    assert [row.raw for row in rows("[1234567, 12345678901, 12]", "json")] == [1234567, 12345678901, 12]
    assert [row.raw for row in rows("1234567 12345678901\n12", "json")] == [1234567, 12345678901, 12]


@pytest.mark.parametrize("format_", ["json", "ndjson"])
def test_a_number_of_thousands_of_digits_costs_no_other_row(format_: str) -> None:
    text = '{"a": %s}\n{"a": 2}' % ("1" * 5000)
    assert [row.data for row in rows(text, format_)] == [{"a": "1" * 5000}, {"a": 2}]


@pytest.mark.parametrize("format_", ["json", "ndjson"])
@pytest.mark.parametrize("row", ['{"a": 1, "b": 2, "a": 3}', '{"c": [{"a": 1, "a": 1}]}'])
def test_a_row_with_a_key_more_than_once_is_rejected_whole(format_: str, row: str) -> None:
    first, repeated, last = rows(f'{{"a": 1}}\n{row}\n{{"a": 2}}', format_)
    assert (first.data, last.data) == ({"a": 1}, {"a": 2})
    assert (repeated.line, repeated.data, repeated.raw) == (2, None, row)
    assert repeated.problem == "has the key 'a' more than once"


@pytest.mark.parametrize("format_", ["json", "ndjson"])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_row_that_is_nested_too_deep_costs_no_other_row(format_: str, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    text = '{"a": %s}\n{"a": 2}' % (opening * 500 + "1" + closing * 500)
    deep, fine = rows(text, format_)
    assert deep.data is None
    assert "deep" in (deep.problem or "")
    assert fine.data == {"a": 2}


def test_a_line_of_ndjson_that_never_ends_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows_module, "MAX_VALUE_CHARACTERS", 20)
    monkeypatch.setattr(lines, "_SKIPPED_CHARACTERS", 7)
    long = json.dumps({"a": "x" * 50})
    found = rows_of(f'{{"a": 1}}\n{long}\n{{"a": 2}}\n{long}', "ndjson")
    assert found == [
        (1, {"a": 1}),
        (2, "is longer than 20 characters"),
        (3, {"a": 2}),
        (4, "is longer than 20 characters"),
    ]


def test_an_element_that_is_no_object_is_reported_and_the_rest_is_read() -> None:
    assert rows_of('[1,\n[2],\n{"a": 3}]', "json") == [(1, "is not an object"), (2, "is not an object"), (3, {"a": 3})]


def test_a_broken_line_of_ndjson_costs_only_itself() -> None:
    found = rows_of('{"a": 1}\n\n{"a": \n"x"\n{"a": 2}\n', "ndjson")
    assert [line for line, _ in found] == [1, 3, 4, 5]
    assert (found[0][1], found[2][1], found[3][1]) == ({"a": 1}, "is not an object", {"a": 2})
    assert "is not JSON" in found[1][1]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(), _VALUES, max_size=4), max_size=6),
    st.sampled_from([None, 0, 3]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_array_reads_as_it_was_written_whatever_the_size_of_chunks(
    values: list[dict[str, Any]], indent: int | None, ascii_: bool, chunk: int
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_CHUNK_CHARACTERS", chunk)
        found = list(json_rows(opened(text)))
    assert [row.data for row in found] == values
    assert [row.line for row in found] == sorted(row.line for row in found)


@pytest.mark.parametrize(
    ("rows_at", "text"),
    [
        ("items", '{"count": 2, "items": [{"a": 1}, {"a": 2}], "more": null}'),
        ("answer.items", '{"x": {"items": 1}, "answer": {"items": [{"a": 1}, {"a": 2}]}}'),
        ("a.b", '{"a.b": [{"a": 1}, {"a": 2}]}'),
    ],
)
def test_rows_are_found_in_a_member_of_an_object(rows_at: str, text: str) -> None:
    assert [row.data for row in json_rows(opened(text), rows_at)] == [{"a": 1}, {"a": 2}]


def test_the_members_of_an_object_are_rows_with_their_keys() -> None:
    text = '{"x": {"a": 1}, "y": {"a": 2}, "z": {"key": 3}, "w": 4}'
    first, second, third, fourth = json_rows(opened(text), "*")
    assert (first.data, second.data) == ({"key": "x", "a": 1}, {"key": "y", "a": 2})
    assert third.problem == "has a member 'key', the name of the column of its key"
    assert fourth.problem == "is not an object"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('{"count": 1, "items": [{"a": 1}]}', "--rows 'items' imports those"),
        ('{"x": {"a": 1}, "y": {"a": 2}}', "--rows '*' imports each of them"),
    ],
)
def test_an_object_that_may_wrap_rows_is_refused_with_the_option(text: str, advice: str) -> None:
    with pytest.raises(ImportRefused, match=re.escape(advice)):
        list(json_rows(opened(text)))
    assert len(list(json_rows(opened(text), "."))) == 1
    assert len(list(json_rows(opened(f"{text}\n{text}")))) == 2


def test_a_place_without_rows_names_the_members_that_there_are() -> None:
    with pytest.raises(ImportRefused, match="no array at 'itmes'; the object has 'count', 'items'"):
        list(json_rows(opened('{"count": 1, "items": []}'), "itmes"))
    with pytest.raises(ImportRefused, match="the file is not a JSON object"):
        list(json_rows(opened("[]"), "items"))
    with pytest.raises(ImportRefused, match="line 2 is not JSON"):
        list(json_rows(opened('{"count": 1,\n nope'), "items"))


def test_the_rows_before_a_broken_one_in_a_member_are_read() -> None:
    found = list(json_rows(opened('{"items": [{"a": 1}, nope], "more": 1}'), "items"))
    assert found[0].data == {"a": 1}
    assert "nothing after it could be read" in (found[1].problem or "")
    assert len(found) == 2
