"""Flattens the rows of a file to the form of metadata: each key has one scalar or an array of scalars."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from amp.domain.types import KEY

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_INVALID_CHARACTERS = re.compile(r"[^a-z0-9.]+")
_MAX_NAME_CHARACTERS = 120  # leaves room for a number


class FieldNames:
    """Maps columns to field names. The same columns in the same order always get the same names."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._declared = frozenset(declared)
        self._by_column: dict[str, str] = {}

    def __getitem__(self, column: str) -> str:
        """Return the field name of a column.

        It is the column itself if that is a declared field, or is a valid name that begins with a lowercase letter.
        Otherwise it is derived: `US Gross` becomes `us_gross`. If another column has the name, a number is appended.
        """
        name = self._by_column.get(column)
        if name is None:
            base = column if column in self._declared else _valid_name(column)
            taken = set(self._by_column.values())
            names = (base if n == 1 else f"{base}_{n}" for n in range(1, len(taken) + 2))
            name = self._by_column[column] = next(name for name in names if name not in taken)
        return name

    def mapping(self) -> dict[str, str]:
        """Return the field names of all columns so far, by column."""
        return dict(self._by_column)


def flatten(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the columns of a row with their values.

    Members of an object become columns `outer.inner`. Arrays and objects inside an array become JSON text. Nulls and
    empty arrays are left out, because they mean that there is no value.
    """
    for column, value in row.items():
        if isinstance(value, Mapping):
            yield from ((f"{column}.{inner}", inner_value) for inner, inner_value in flatten(value))
        elif isinstance(value, list):
            items = [_scalar(item) for item in value if item is not None]
            if items:
                yield column, items
        elif value is not None:
            yield column, value


def _scalar(item: Any) -> Any:
    return json.dumps(item, ensure_ascii=False) if isinstance(item, list | Mapping) else item


def _valid_name(column: str) -> str:
    if KEY.fullmatch(column) and column[0].islower():
        return column
    plain = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    name = _INVALID_CHARACTERS.sub("_", _CAMEL.sub("_", plain).lower()).strip("_.")[:_MAX_NAME_CHARACTERS]
    return name if name[:1].isalpha() else f"f_{name}".rstrip("_")
