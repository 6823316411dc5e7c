"""Options for columns apply to all of them or to one, and what is wrong with them is named."""

import re

import pytest

from amp.cli.importing.columns import ColumnOptions, column_options, require_column
from amp.cli.importing.dates import DateOrder
from amp.cli.importing.refused import ImportRefused
from amp.domain.types import Field, FieldType


def test_an_option_applies_to_all_columns_or_to_one() -> None:
    options = column_options(
        fields=["a=b=c", "x="],
        types=["n=double", "tags=string[]"],
        null=["N/A", "n=-", "*=a=b"],
        decimal=["n=,"],
        dates=["mdy", "d=dmy"],
        timezone=["UTC"],
        split=["tags=|"],
    )
    assert options.fields == {"a=b": "c", "x": ""}
    assert options.types == {"n": Field(type=FieldType.DOUBLE), "tags": Field(type=FieldType.STRING, array=True)}
    number, date = options.notation("n"), options.notation("d")
    assert (number.null, number.decimal, number.date_order) == ({"N/A", "-", "a=b"}, ",", DateOrder.MDY)
    assert (date.null, date.decimal, date.date_order) == ({"N/A", "a=b"}, ".", DateOrder.DMY)
    assert (options.notation("tags").split, date.split) == ("|", None)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fields": ["a"]}, "--map a: is not COLUMN=VALUE"),
        ({"types": ["a=number"]}, "--as a=number: unknown type; use one of string, text, long"),
        ({"dates": ["ymd"]}, "--dates ymd: unknown order; use dmy or mdy"),
        ({"timezone": ["a=Nowhere"]}, "--timezone a=Nowhere: unknown time zone 'Nowhere'"),
        ({"thousands": ["xx"]}, "--thousands xx: must be one character"),
        ({"decimal": ["5"]}, "--decimal 5: must be one character"),
        ({"decimal": [","], "thousands": [","]}, "--thousands and --decimal are both ','"),
        ({"null": ["=x"]}, "--null =x: names no column; write *=x for all columns"),
        ({"split": [""]}, "--split : must have 1 to 10 characters"),
        ({"decimal": [",", ","]}, "--decimal: is given twice for all columns"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_with_its_option(options: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(ImportRefused, match=re.escape(reason)):
        column_options(**options)


def test_a_column_that_is_missing_is_refused_with_a_similar_one() -> None:
    with pytest.raises(ImportRefused, match="--name-field: there is no column 'Titel'; did you mean 'title'"):
        require_column("--name-field", "Titel", ["id", "title"])
    with pytest.raises(ImportRefused, match="there is no column 'x'; the columns are 'id', 'title'"):
        ColumnOptions(null={"x": frozenset()}).require_columns(["id", "title"])
