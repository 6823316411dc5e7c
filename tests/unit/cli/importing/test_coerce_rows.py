"""Values that REST would refuse are adjusted to the type where that is safe, and each adjustment is counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing.coerce_rows import RowCoercion
from amp.cli.importing.columns import ColumnOptions, column_options
from amp.cli.importing.field_names import field_names
from amp.cli.importing.flatten import Cell, flatten
from amp.cli.importing.infer_type import TypeInference
from amp.cli.importing.refused import ImportRefused
from amp.domain.limits import AssetLimits
from amp.domain.types import AssetType, Field, FieldType
from amp.domain.validation import conform_metadata

_NO_OPTIONS = ColumnOptions()


def coerced(
    kind: str, value: Any, *, array: bool = False, textual: bool = False, options: ColumnOptions = _NO_OPTIONS
) -> tuple[Any, list[str]]:
    fields = {"x": Field(type=FieldType(kind), array=array)}
    coercion = RowCoercion(fields=fields, names={"x": "x"}, options=options, textual=textual)
    found = coercion.metadata([Cell("x", value)]).get("x")
    return found, [adjustment for _, adjustment in coercion.adjustments]


@pytest.mark.parametrize(
    ("kind", "value", "becomes", "adjustment"),
    [
        ("string", 300, "300", "number written as text"),
        ("string", 2.5, "2.5", "number written as text"),
        ("string", True, "true", "boolean written as text"),
        ("string", "a\x00b\ud800", "ab\ufffd", "characters that cannot be stored removed or replaced"),
        ("long", "42", 42, "text read as long"),
        ("long", "007", 7, "number in another notation rewritten"),
        ("double", "1.10", 1.1, "number in another notation rewritten"),
        ("boolean", "true", True, "text read as boolean"),
        ("date", "Jun 12 1998", "1998-06-12T00:00:00.000Z", "date rewritten as RFC 3339"),
        ("date", "0000-00-00", None, "date of zeros left out"),
        ("double", float("nan"), None, "number that is not finite (NaN, infinity) left out"),
        ("date", " ", None, "empty text left out"),
        ("long", [7], 7, "array of one value written as that value"),
    ],
)
def test_what_rest_would_refuse_is_adjusted_and_counted(kind: str, value: Any, becomes: Any, adjustment: str) -> None:
    assert coerced(kind, value) == (becomes, [adjustment])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("string", "x"), ("string", ""), ("long", 5), ("double", 2.5), ("date", "1998-06-12")),
        *(("long", "many"), ("long", "1.5"), ("boolean", "1"), ("date", "soon")),
    ],
)
def test_what_is_fine_or_hopeless_is_left_as_it_is(kind: str, value: Any) -> None:
    assert coerced(kind, value) == (value, [])


def test_a_single_value_of_an_array_field_becomes_an_array() -> None:
    assert coerced("string", "a", array=True) == (["a"], ["single value written as an array"])


def test_cells_of_csv_are_trimmed_and_read_without_being_counted() -> None:
    assert coerced("long", "42", textual=True) == (42, [])
    assert coerced("string", "42", textual=True) == ("42", [])
    assert coerced("string", " ", textual=True) == (None, [])
    assert coerced("string", " a ", textual=True) == ("a", ["spaces around the value removed"])


def test_options_of_the_column_are_applied() -> None:
    options = column_options(null=["N/A"], split=["x=|"], thousands=["x=,"])
    assert coerced("string", "a|b||N/A", array=True, textual=True, options=options) == (
        ["a", "b"],
        ["'N/A' left out as a missing value"],
    )
    assert coerced("long", "1,234", textual=True, options=options)[0] == 1234


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("06/12/1998", "x: '06/12/1998' is a date whose day and month could be exchanged"),
        ("1998-06-12 10:30", "x: '1998-06-12 10:30' is a time without its offset from UTC"),
    ],
)
def test_an_ambiguous_date_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        coerced("date", text)


@pytest.mark.parametrize("value", [2**63, [2**63]])
def test_a_number_beyond_64_bits_is_refused_with_its_field(value: Any) -> None:
    with pytest.raises(ValueError, match="x: is a whole number beyond 64 bits"):
        coerced("long", value)


def test_two_values_for_one_field_are_refused() -> None:
    coercion = RowCoercion(fields={}, names={"a": "x", "b": "x"}, options=_NO_OPTIONS)
    assert coercion.metadata([Cell("a", 1), Cell("b", None), Cell("other", 2)]) == {"x": 1}
    with pytest.raises(ValueError, match="x: two columns of the row have a value for this field"):
        coercion.metadata([Cell("a", 1), Cell("b", 2)])


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1", "true", "Jun 12 1998", "007", "1,234", "N/A", "0000-00-00", "1998-06-12 10:30"])
)
_VALUES = _SCALARS | st.lists(_SCALARS | st.dictionaries(st.sampled_from("ab"), _SCALARS), max_size=3)
_ROWS = st.lists(st.dictionaries(st.text(max_size=6), _VALUES, max_size=5), max_size=8)


@given(_ROWS, st.booleans())
def test_rows_always_fit_the_type_inferred_from_them(rows: list[dict[str, Any]], textual: bool) -> None:
    inference = TypeInference(_NO_OPTIONS)
    columns: dict[str, None] = {}
    for number, row in enumerate(rows):
        cells = [(column, value) for column, value, _ in flatten(row)]
        columns |= dict.fromkeys(column for column, _ in cells)
        inference.observe(cells, f"line {number}", textual=textual)
    try:
        names = field_names(columns, (), {})
    except ImportRefused:
        names = {column: f"f{number}" for number, column in enumerate(columns)}
    fields = inference.fields(names)
    inference.reasons(columns)
    coercion = RowCoercion(fields=fields, names=names, options=_NO_OPTIONS, textual=textual)
    asset_type = AssetType(name="t", version=1, fields=fields)
    for row in rows:
        found = coercion.metadata(flatten(row))
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        conform_metadata(found, asset_type, AssetLimits())
