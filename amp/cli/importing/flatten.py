"""Flattens the rows of a file to the form of metadata: each column has one scalar or an array of scalars."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: Adjustments of values.
ARRAY_OF_OBJECTS = "array of objects written as one array for each member"
NESTED_ARRAY = "array in an array written as JSON text"


class Cell(NamedTuple):
    """The value of a column in a row."""

    column: str
    value: Any  #: A scalar, or a list of scalars that is not empty.
    adjustment: str | None = None  #: How the value was adjusted.


def flatten(row: Mapping[str, Any]) -> Iterator[Cell]:
    """Yield the columns of a row with their values.

    Members of an object become columns `outer.inner`, also of the objects in an array, whose values become arrays.
    Arrays in arrays become JSON text. Nulls and empty arrays are left out, because they mean that there is no value.
    """
    for column, value in row.items():
        if isinstance(value, Mapping):
            yield from (Cell(f"{column}.{inner}", *others) for inner, *others in flatten(value))
        elif isinstance(value, list):
            yield from _flatten_array(column, value)
        elif value is not None:
            yield Cell(column, value)


def _flatten_array(column: str, items: list[Any]) -> Iterator[Cell]:
    scalars: list[Any] = []
    nested = False
    members: dict[str, list[Any]] = {}
    adjustments: dict[str, str] = {}
    for item in items:
        if isinstance(item, Mapping):
            for inner, value, adjustment in flatten(item):
                members.setdefault(inner, []).extend(value if isinstance(value, list) else (value,))
                if adjustment is not None:
                    adjustments[inner] = adjustment
        elif isinstance(item, list):
            nested = True
            scalars.append(json.dumps(item, ensure_ascii=False))
        elif item is not None:
            scalars.append(item)
    if scalars:
        yield Cell(column, scalars, NESTED_ARRAY if nested else None)
    for inner, values in members.items():
        yield Cell(f"{column}.{inner}", values, adjustments.get(inner, ARRAY_OF_OBJECTS))
