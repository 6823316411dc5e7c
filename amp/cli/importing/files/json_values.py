"""Converts JSON values to rows."""

from collections import Counter
from typing import Any

from amp.cli.importing.files.row import Row

#: Maximum nesting depth of a row.
_MAX_DEPTH = 100
#: Longer whole numbers stay text: Python does not parse them, and no field can store them.
_MAX_DIGITS = 4_000


class ObjectHook:
    """Creates the objects of a JSON value, and remembers a key that one of them repeats."""

    def __init__(self) -> None:
        self.repeated: str | None = None

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = next(key for key, count in counts.items() if count > 1)
        return members


def row_of_value(line: int, value: Any, repeated: str | None, text: str) -> Row:
    """Return the row for a JSON value, which is invalid if the value is not an object of limited depth.

    :param text: the text of the value in the file. It is the row's `raw` if a key is repeated, because `value` then
        lacks a member.
    """
    if not isinstance(value, dict):
        return Row(line, None, "is not an object", value if _depth_within(value) else None)
    if not _depth_within(value):
        return Row(line, None, f"is nested more than {_MAX_DEPTH} levels deep")
    if repeated is not None:
        return Row(line, None, f"has the key {repeated!r} more than once", text)
    return Row(line, value)


def _depth_within(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return True
    return False


def whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text
