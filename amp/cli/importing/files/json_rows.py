"""Finds the rows of JSON and NDJSON files."""

import io
import json
from collections.abc import Generator, Iterator
from typing import Any

from amp.cli.importing.files.json_text import KEY_COLUMN, JsonText
from amp.cli.importing.files.json_values import ObjectHook, row_of_value, whole_number
from amp.cli.importing.files.lines import skip_line
from amp.cli.importing.files.row import EXCERPT_CHARACTERS, MAX_VALUE_CHARACTERS, Row
from amp.cli.importing.refused import ImportRefused

_MAX_LISTED = 10  #: Number of members that a message names.


def ndjson_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    """Yield one row per line that is not blank."""
    number = 0
    while line := text.readline(MAX_VALUE_CHARACTERS):
        number += 1
        if len(line) == MAX_VALUE_CHARACTERS and not line.endswith("\n"):
            yield Row(number, None, f"is longer than {MAX_VALUE_CHARACTERS:,} characters", line[:EXCERPT_CHARACTERS])
            skip_line(text)
        elif line.strip():
            try:
                members = ObjectHook()
                value = json.loads(line, parse_int=whole_number, object_pairs_hook=members)
                yield row_of_value(number, value, members.repeated, line.rstrip("\n"))
            except (ValueError, RecursionError) as e:
                yield Row(number, None, f"is not JSON: {e}", line.rstrip("\n"))


def json_rows(text: io.TextIOWrapper, rows_at: str | None = None) -> Iterator[Row]:
    """Yield the elements of an array, or the values of a file that has one value after the other.

    :param rows_at: the place of the rows in a file that is one object: `items` and `response.items` are arrays, `*` and
        `items.*` objects whose members are the rows, and `.` is the object itself as the only row.
    :raises ImportRefused: there are no rows at that place; or `rows_at` is None and the file is one object that
        contains what could be rows.
    """
    json_text = JsonText(text)
    if rows_at is None or rows_at == ".":
        yield from _top_level_rows(json_text, guess=rows_at is None)
    elif json_text.peek() != "{":
        raise ImportRefused(f"--rows {rows_at}: the file is not a JSON object")
    else:
        yield from _rows_of_object(json_text, rows_at, rows_at)


def _top_level_rows(json_text: JsonText, *, guess: bool) -> Iterator[Row]:
    if json_text.peek() == "[":
        if (yield from _array_rows(json_text)) and json_text.peek():
            yield json_text.invalid("follows the end of the array")
        return
    first = True
    while json_text.peek():
        row = json_text.row()
        if first and guess and row.data is not None and not json_text.peek():
            _require_one_row(row.data)
        yield row
        if json_text.broken:
            return
        first = False


def _require_one_row(data: dict[str, Any]) -> None:
    """Check that the only object of a file does not look like a wrapper of rows.

    :raises ImportRefused: it does.
    """
    arrays = [
        name for name, value in data.items() if isinstance(value, list) and isinstance(next(iter(value), 0), dict)
    ]
    if arrays:
        [name, *_] = arrays
        listed = ", ".join(repr(name) for name in arrays[:5])
        raise ImportRefused(
            f"the file is one JSON object, and {listed} in it contains objects: --rows {name!r} imports those, "
            "--rows . imports the file as one row"
        )
    if len(data) > 1 and all(isinstance(value, dict) for value in data.values()):
        raise ImportRefused(
            "the file is one JSON object of objects: --rows '*' imports each of them, with its key as the column "
            f"{KEY_COLUMN!r}; --rows . imports the file as one row"
        )


def _array_rows(json_text: JsonText) -> Generator[Row, None, bool]:
    """Yield the elements of the array that begins here. Return whether its end was read."""
    json_text.skip("[")
    first = True
    while True:
        character = json_text.peek()
        if character == "]":
            json_text.skip("]")
            return True
        if not first and character == ",":
            json_text.skip(",")
            character = json_text.peek()
        elif not first and character:
            yield json_text.invalid("is not followed by a comma or the end of the array")
            return False
        if not character:
            yield json_text.invalid("ends before its array does")
            return False
        yield json_text.row()
        if json_text.broken:
            return False
        first = False


def _rows_of_object(json_text: JsonText, rows_at: str, path: str) -> Iterator[Row]:
    """Yield the rows at `path` in the object that begins here, and read the object to its end."""
    found = path == "*"
    names: list[str] = []
    for key in _members(json_text):
        if len(names) < _MAX_LISTED:
            names.append(key)
        if path == "*":
            yield json_text.row(key)
        elif key == path and json_text.peek() == "[":
            found = True
            yield from _array_rows(json_text)
        elif path.startswith(f"{key}.") and json_text.peek() == "{":
            found = True
            yield from _rows_of_object(json_text, rows_at, path.removeprefix(f"{key}."))
        else:
            json_text.value()
        if json_text.broken:
            return
    if not found:
        listed = ", ".join(map(repr, names)) or "no members"
        raise ImportRefused(f"--rows {rows_at}: there is no array at {path!r}; the object has {listed}")


def _members(json_text: JsonText) -> Iterator[str]:
    """Yield the keys of the object that begins here, each when the text is at its value, which the caller consumes.

    :raises ImportRefused: the object is not JSON.
    """
    json_text.skip("{")
    first = True
    while (character := json_text.peek()) != "}":
        if not first:
            if character != ",":
                raise json_text.unreadable("a comma or the end of the object is missing")
            json_text.skip(",")
        if json_text.peek() != '"':
            raise json_text.unreadable("a key is missing")
        key, _ = json_text.value()
        if json_text.peek() != ":":
            raise json_text.unreadable("a colon is missing")
        json_text.skip(":")
        json_text.peek()
        yield key
        first = False
    json_text.skip("}")
