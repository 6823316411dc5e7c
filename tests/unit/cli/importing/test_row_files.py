"""Rows come out of a file as they stand in it, whatever the chunk size; what is broken is reported with its line."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing import row_files
from amp.cli.importing.row_files import Row, format_of, read_rows


def rows(text: str, format_: str) -> list[Row]:
    return list(read_rows(io.BytesIO(text.encode("utf-8", "surrogateescape")), format_))


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
    monkeypatch.setattr(row_files, "_CHUNK_CHARACTERS", 3)
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


def test_a_csv_cell_of_any_usual_size_is_read() -> None:
    long = "x" * (1 << 20)
    assert rows_of(f"a,b\n1,{long}\n2,y\n", "csv") == [(2, {"a": "1", "b": long}), (3, {"a": "2", "b": "y"})]


def test_a_line_of_ndjson_that_never_ends_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "_MAX_VALUE_CHARACTERS", 20)
    monkeypatch.setattr(row_files, "_CHUNK_CHARACTERS", 7)
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


def test_csv_has_quoted_cells_of_several_lines_and_columns_of_one_name() -> None:
    text = '\ufeffa,b,a\r\n1,"x, ""y""\r\nz",2\r\n\r\n3,4\r\n'
    assert rows_of(text, "csv") == [
        (3, {"a": "1", "b": 'x, "y"\r\nz', "a 2": "2"}),
        (5, "has 2 cells; the header has 3"),
    ]


def test_csv_that_breaks_off_inside_a_quoted_cell_is_reported() -> None:
    *good, (line, why) = rows_of('a,b\n1,2\n3,"4\n', "csv")
    assert good == [(2, {"a": "1", "b": "2"})]
    assert line == 3
    assert "is not CSV" in why


def test_bytes_that_are_not_utf_8_become_unpaired_surrogates() -> None:
    (row,) = read_rows(io.BytesIO(b'{"a": "\xff"}'), "ndjson")
    assert row.data == {"a": "\udcff"}


@pytest.mark.parametrize(
    ("name", "beginning", "format_"),
    [
        ("x.json", b"{", "json"),
        ("x.JSONL", b"", "ndjson"),
        ("x.csv", b"[", "csv"),
        ("-", b"\xef\xbb\xbf [", "json"),
        ("-", b'\n{"a": 1}', "ndjson"),
        ("x.txt", b"a,b\n", "csv"),
    ],
)
def test_the_format_is_that_of_the_name_or_else_of_the_beginning(name: str, beginning: bytes, format_: str) -> None:
    assert format_of(name, beginning) == format_


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
        patch.setattr(row_files, "_CHUNK_CHARACTERS", chunk)
        found = list(read_rows(io.BytesIO(text.encode("utf-8", "surrogatepass")), "json"))
    assert [row.data for row in found] == values
    assert [row.line for row in found] == sorted(row.line for row in found)
