"""The fields proposed for a file, and what its rows become, are those a careful person would choose."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing.coerce_rows import RowCoercion
from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames, flatten
from amp.cli.importing.infer_type import TypeInference
from amp.domain.limits import AssetLimits
from amp.domain.types import KEY, AssetType, Field, FieldType
from amp.domain.validation import conform_metadata


def inferred(values: list[Any], *, textual: bool = False) -> str | None:
    infer = TypeInference(FieldNames(), textual=textual)
    for value in values:
        infer.observe({"x": value})
    found = infer.fields().get("x")
    return None if found is None else f"{found.type}{'[]' if found.array else ''}"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -5], "long"),
        ([1, 2.5], "double"),
        ([2**53 + 1, 2.5], "string"),
        ([2**63], "string"),
        ([True, False], "boolean"),
        ([True, 1], "string"),
        (["a", 1], "string"),
        (["007", "8"], "string"),
        (["Jun 12 1998", None, "1998-06-12T10:00:00Z"], "date"),
        (["Jun 12 1998", "unknown"], "string"),
        (["unknown", "Jun 12 1998"], "string"),
        (["06/12/1998"], "string"),
        (["x" * 511], "string"),
        (["x" * 512], "text"),
        ([["a", "b"], "c"], "string[]"),
        ([[1], [2]], "long[]"),
        ([[{"deep": 1}]], "string[]"),
        ([None, []], None),
        ([float("nan")], None),
    ],
)
def test_a_column_of_json_gets_the_narrowest_kind_that_holds_it(values: list[Any], kind: str | None) -> None:
    assert inferred(values) == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "", "-2"], "long"),
        (["1", "2.5"], "double"),
        (["1e3"], "double"),
        (["007", "8"], "string"),
        (["true", "False"], "boolean"),
        (["99999999999999999999"], "string"),
        (["12-Jun-98"], "date"),
        (["nan"], "string"),
        (["", " "], None),
    ],
)
def test_a_column_of_text_alone_is_read_for_what_it_stands_for(values: list[str], kind: str | None) -> None:
    assert inferred(values, textual=True) == kind


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Jun 12 1998", "1998-06-12T00:00:00.000Z"),
        ("June 2, 1998", "1998-06-02T00:00:00.000Z"),
        ("12 Sept. 1998", "1998-09-12T00:00:00.000Z"),
        ("12-Jun-98", "1998-06-12T00:00:00.000Z"),
        ("12-Jun-69", "1969-06-12T00:00:00.000Z"),
        ("12-Jun-68", "2068-06-12T00:00:00.000Z"),
        ("1998/6/2", "1998-06-02T00:00:00.000Z"),
        ("1998-06-12", "1998-06-12T00:00:00.000Z"),
        ("1998-06-12 10:30", "1998-06-12T10:30:00.000Z"),
        ("1998-06-12T10:30:01.5", "1998-06-12T10:30:01.500Z"),
        ("1998-06-12 10:30:00 UTC", "1998-06-12T10:30:00.000Z"),
        ("1998-06-12T10:30:00+0200", "1998-06-12T08:30:00.000Z"),
        ("06/12/1998", None),
        ("12.06.1998", None),
        ("Jun 31 1998", None),
        ("Jum 12 1998", None),
        ("12 Jun-1998", None),
        ("1998", None),
        ("", None),
        ("May", None),
    ],
)
def test_a_date_is_read_where_only_one_reading_is_possible(text: str, date: str | None) -> None:
    assert read_date(text) == date


def test_columns_get_valid_names_that_differ() -> None:
    names = FieldNames()
    columns = ["US Gross", "us_gross", "US  Gross!", "cameraId", "CameraId", "Größe (m)", "3D?", "日本", "IMDB Rating"]
    assert [names[column] for column in columns] == [
        "us_gross",
        "us_gross_2",
        "us_gross_3",
        "cameraId",
        "camera_id",
        "groe_m",
        "f_3d",
        "f",
        "imdb_rating",
    ]
    assert names["US Gross"] == "us_gross"


def test_a_declared_field_keeps_its_name() -> None:
    assert FieldNames(["Title"])["Title"] == "Title"
    assert FieldNames()["Title"] == "title"


@given(st.lists(st.text(max_size=200), unique=True, max_size=20))
def test_any_columns_get_valid_and_different_names(columns: list[str]) -> None:
    names = FieldNames()
    found = [names[column] for column in columns]
    assert len(set(found)) == len(columns)
    assert all(KEY.fullmatch(name) for name in found)


def test_objects_are_flattened_and_nested_arrays_become_json() -> None:
    row = {"a": {"b": {"c": 1}, "d": None}, "e": [1, {"f": 2}, None, [3]]}
    assert dict(flatten(row)) == {"a.b.c": 1, "e": [1, '{"f": 2}', "[3]"]}


def coerced(kind: str, value: Any, *, array: bool = False, textual: bool = False) -> tuple[Any, list[str]]:
    coerce = RowCoercion({"x": Field(type=FieldType(kind), array=array)}, FieldNames(), textual=textual)
    found = coerce.metadata({"x": value}).get("x")
    return found, [what for _, what in coerce.adjustments]


@pytest.mark.parametrize(
    ("kind", "value", "becomes", "liberty"),
    [
        ("string", 300, "300", "number written as text"),
        ("string", 2.5, "2.5", "number written as text"),
        ("string", True, "true", "boolean written as text"),
        ("string", "a\x00b\ud800", "ab\ufffd", "characters that cannot be stored removed or replaced"),
        ("long", "42", 42, "text read as long"),
        ("boolean", "true", True, "text read as boolean"),
        ("date", "Jun 12 1998", "1998-06-12T00:00:00.000Z", "date rewritten as RFC 3339"),
        ("double", float("nan"), None, "number that is not finite (NaN, infinity) left out"),
        ("date", " ", None, "empty text left out"),
        ("long", [7], 7, "array of one value written as that value"),
    ],
)
def test_what_rest_would_refuse_is_turned_into_what_it_takes_and_counted(
    kind: str, value: Any, becomes: Any, liberty: str
) -> None:
    assert coerced(kind, value) == (becomes, [liberty])


@pytest.mark.parametrize(
    ("kind", "value"),
    [("string", "x"), ("string", ""), ("long", 5), ("double", 2.5), ("date", "1998-06-12"), ("long", "many")],
)
def test_what_is_fine_or_hopeless_is_left_as_it_is(kind: str, value: Any) -> None:
    assert coerced(kind, value) == (value, [])


def test_a_single_value_of_an_array_field_becomes_an_array() -> None:
    assert coerced("string", "a", array=True) == (["a"], ["single value written as an array"])


def test_cells_of_csv_are_read_without_being_counted_as_adjustments() -> None:
    assert coerced("long", "42", textual=True) == (42, [])
    assert coerced("string", "42", textual=True) == ("42", [])
    assert coerced("string", "", textual=True) == (None, [])


@pytest.mark.parametrize("value", [2**63, [2**63]])
def test_a_number_beyond_64_bits_is_refused_with_its_field(value: Any) -> None:
    with pytest.raises(ValueError, match="x: is a whole number beyond 64 bits"):
        coerced("long", value)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1", "true", "Jun 12 1998"])
)
_ROWS = st.lists(
    st.dictionaries(st.text(max_size=6), _SCALARS | st.lists(_SCALARS, max_size=3), max_size=5), max_size=8
)


@given(_ROWS, st.booleans())
def test_rows_always_fit_the_type_inferred_from_them(rows: list[dict[str, Any]], textual: bool) -> None:
    names = FieldNames()
    infer = TypeInference(names, textual=textual)
    for row in rows:
        infer.observe(row)
    fields = infer.fields()
    coerce = RowCoercion(fields, names, textual=textual)
    asset_type = AssetType(name="t", version=1, fields=fields)
    for row in rows:
        found = coerce.metadata(row)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        conform_metadata(found, asset_type, AssetLimits())
