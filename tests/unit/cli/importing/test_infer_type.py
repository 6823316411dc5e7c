"""The fields proposed for a file are those that a careful person would choose."""

import re
from typing import Any

import pytest

from amp.cli.importing.columns import ColumnOptions, column_options
from amp.cli.importing.infer_type import TypeInference
from amp.domain.types import Field, FieldType

_NO_OPTIONS = ColumnOptions()


def inference(values: list[Any], *, textual: bool = False, options: ColumnOptions = _NO_OPTIONS) -> TypeInference:
    found = TypeInference(options)
    for number, value in enumerate(values, start=2):
        if value is not None:
            found.observe([("x", value)], f"line {number}", textual=textual)
    return found


def inferred(values: list[Any], *, textual: bool = False, options: ColumnOptions = _NO_OPTIONS) -> str | None:
    declared = inference(values, textual=textual, options=options).fields({"x": "x"}).get("x")
    return None if declared is None else f"{declared.type}{'[]' if declared.array else ''}"


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
        (["Jun 12 1998", "0000-00-00"], "date"),
        (["0000-00-00"], "date"),
        (["Jun 12 1998", "unknown"], "string"),
        (["unknown", "Jun 12 1998"], "string"),
        (["06/12/1998"], "string"),
        (["x" * 511], "string"),
        (["x" * 512], "text"),
        (["x" * 512, "y", "z"], "string"),
        (["x" * 512, "y" * 512, "z"], "text"),
        (["é" * 5000, "y", "z"], "text"),
        ([["a", "b"], "c"], "string[]"),
        ([[1], [2]], "long[]"),
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
        (["1e3"], "string"),
        (["007", "8"], "string"),
        (["1.5", "1.50"], "string"),
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
    ("values", "reason"),
    [
        (["1920", "N/A"], "'N/A' in line 3 may be a word for a missing value; read with --null 'x=N/A'"),
        (["-", "1", "NULL"], "read with --null 'x=-' --null 'x=NULL'"),
        (
            ["1,234,567", "2,000"],
            "'1,234,567' in line 2 has marks that may separate thousands; read with --thousands 'x=,'",
        ),
        (["0,5"], "'0,5' in line 2 has a comma that may be a decimal mark; read with --decimal 'x=,'"),
        (["1.10"], "'1.10' in line 2 is a number in a notation that would be lost; read with --as 'x=double'"),
        (["31/12/1999", "1/2/2000"], "read with --dates 'x=dmy'"),
        (["1/2/2000"], "read with --dates 'x=dmy' or --dates 'x=mdy'"),
        (["2020-01-01 10:00"], "is a time without its offset from UTC; read with --timezone 'x=UTC'"),
        (["99999999999999999999", "1"], "is a whole number beyond 64 bits"),
        (["1", "2", "two"], "'two' in line 4 is not a long"),
        (["1", "x" * 100], f"'{'x' * 40}…' in line 3 is not a long"),
    ],
)
def test_why_a_column_is_text_is_said_with_the_option(values: list[str], reason: str) -> None:
    found = inference(values, textual=True)
    assert reason in found.reasons(["x"])["x"]
    for option, column_value in re.findall(r"--(null|thousands|decimal|as|dates|timezone) '([^']+)'", reason):
        name = {"as": "types"}.get(option, option)
        given = [value for kind, value in re.findall(r"--(\w+) '([^']+)'", reason) if kind == option]
        options = column_options(**{name: [column_value] if option == "dates" else given})
        assert inferred(values, textual=True, options=options) not in ("string", "text")


def test_a_column_of_ordinary_text_needs_no_reason() -> None:
    assert inference(["NA", "EU", "06/12/1998"], textual=True).reasons(["x", "other"]) == {}
    assert inference(["a", "b"]).reasons(["x"]) == {}


def test_a_type_that_the_user_chooses_is_taken() -> None:
    options = column_options(types=["x=double[]"])
    found = inference(["1.10"], textual=True, options=options)
    assert found.fields({"x": "y"}) == {"y": Field(type=FieldType.DOUBLE, array=True)}
    assert found.reasons(["x"]) == {}


def test_columns_that_share_a_field_are_inferred_together() -> None:
    found = TypeInference(_NO_OPTIONS)
    found.observe([("a", 1), ("b", "x")], "line 1", textual=False)
    assert found.fields({"a": "f", "b": "f"}) == {"f": Field(type=FieldType.STRING)}
