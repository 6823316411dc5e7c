"""Brings the rows of a file into the flat form of metadata: one key, one scalar or an array of scalars."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from amp.domain.types import KEY

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OTHERS = re.compile(r"[^a-z0-9.]+")
_MAX_NAME = 120  # leaves room for a number


class FieldNames:
    """Column → field name, always the same for the same columns in the same order."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._declared = frozenset(declared)
        self._by_column: dict[str, str] = {}

    def __getitem__(self, column: str) -> str:
        """The column itself where it is a field's name, or may be one and begins with a small letter; else made so:
        `US Gross` is `us_gross`. A name already taken by another column gets a number."""
        name = self._by_column.get(column)
        if name is None:
            wanted = column if column in self._declared else _valid_name(column)
            taken = set(self._by_column.values())
            names = (wanted if n == 1 else f"{wanted}_{n}" for n in range(1, len(taken) + 2))
            name = self._by_column[column] = next(name for name in names if name not in taken)
        return name

    def mapping(self) -> dict[str, str]:
        return dict(self._by_column)


def flatten(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Column and value: an object's members become columns of their own, `outer.inner`; what is inside an array and
    no scalar becomes its JSON text. Nulls and empty arrays, which stand for no value, are left out."""
    for column, value in row.items():
        if isinstance(value, Mapping):
            yield from ((f"{column}.{inner}", found) for inner, found in flatten(value))
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
    name = _OTHERS.sub("_", _CAMEL.sub("_", plain).lower()).strip("_.")[:_MAX_NAME]
    return name if name[:1].isalpha() else f"f_{name}".rstrip("_")
