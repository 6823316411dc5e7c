"""Reads the rows of JSON, NDJSON and CSV files one by one, without loading the whole file."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

FORMATS = ("json", "ndjson", "csv")
_SUFFIXES = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
_CHUNK_CHARACTERS = 1 << 18
#: Maximum length of a value, line or cell, in characters. A longer one is treated as invalid.
_MAX_VALUE_CHARACTERS = 16 << 20
#: Maximum nesting depth of a row.
_MAX_DEPTH = 100
#: Number of characters of invalid text that are reported.
_EXCERPT_CHARACTERS = 200
#: Longer whole numbers stay text: Python does not parse them, and no field can store them.
_MAX_DIGITS = 4_000
_REST_UNREADABLE = "nothing after it could be read"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, or the reason why it is invalid."""

    line: int  #: The line where the row begins (in CSV: ends), from 1.
    data: dict[str, Any] | None  #: None: the row is invalid.
    problem: str | None = None
    raw: Any = None  #: The content of an invalid row, or an excerpt of it.


def format_of(name: str, beginning: bytes) -> str:
    """Return the format of a file by its suffix, or else by its first bytes."""
    by_name = _SUFFIXES.get(PurePath(name).suffix.lower())
    if by_name is not None:
        return by_name
    return {b"[": "json", b"{": "ndjson"}.get(beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1], "csv")


def read_rows(file: BinaryIO, format_: str) -> Iterator[Row]:
    """Yield the rows in order. Bytes that are not UTF-8 are decoded to unpaired surrogates."""
    newline = "" if format_ == "csv" else None
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        match format_:
            case "json":
                yield from _JsonRows(text)
            case "ndjson":
                yield from _ndjson_rows(text)
            case _:
                yield from _csv_rows(text)
    finally:
        text.detach()


def _ndjson_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    number = 0
    while line := text.readline(_MAX_VALUE_CHARACTERS):
        number += 1
        if len(line) == _MAX_VALUE_CHARACTERS and not line.endswith("\n"):
            yield Row(number, None, f"is longer than {_MAX_VALUE_CHARACTERS:,} characters", line[:_EXCERPT_CHARACTERS])
            while (more := text.readline(_CHUNK_CHARACTERS)) and not more.endswith("\n"):
                pass
        elif line.strip():
            try:
                members = _Members()
                value = json.loads(line, parse_int=_whole_number, object_pairs_hook=members)
                yield _row(number, value, members.repeated, line.rstrip("\n"))
            except (ValueError, RecursionError) as e:
                yield Row(number, None, f"is not JSON: {e}", line.rstrip("\n"))


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    # Python's default limit is 128 KiB, and is set for the whole process. Without a limit, a quote that is never closed
    # would load the rest of the file into memory.
    csv.field_size_limit(_MAX_VALUE_CHARACTERS)
    reader = csv.reader(text, strict=True)
    try:
        header = _unique(next(reader, []))
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield Row(reader.line_num, None, f"has {len(cells)} cells; the header has {len(header)}", cells)
            else:
                yield Row(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as e:
        yield Row(reader.line_num, None, f"is not CSV, and {_REST_UNREADABLE}: {e}")


def _unique(header: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    names = []
    for name in header:
        counts[name] = counts.get(name, 0) + 1
        names.append(name if counts[name] == 1 else f"{name} {counts[name]}")
    return names


class _JsonRows:
    """Iterates over the elements of a JSON array, or over concatenated JSON values, in chunks of the file."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._members = _Members()
        self._decoder = json.JSONDecoder(parse_int=_whole_number, object_pairs_hook=self._members)
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def __iter__(self) -> Iterator[Row]:
        in_array = self._peek() == "["
        if in_array:
            self._at += 1
        first = True
        while True:
            character = self._peek()
            if in_array and character == "]":
                self._at += 1
                if self._peek():
                    yield self._invalid("follows the end of the array")
                return
            if in_array and not first:
                if character != ",":
                    yield self._invalid("is not followed by a comma or the end of the array")
                    return
                self._at += 1
                character = self._peek()
            if not character:
                if in_array:
                    yield self._invalid("ends before its array does")
                return
            line = self._line
            try:
                value, text = self._value()
            except (ValueError, RecursionError) as e:
                yield self._invalid(f"is not JSON: {getattr(e, 'msg', e)}")
                return
            yield _row(line, value, self._members.repeated, text)
            first = False

    def _peek(self) -> str:
        """Skip whitespace and return the next character without consuming it; "" at the end of the file."""
        while True:
            while self._at < len(self._buffer):
                character = self._buffer[self._at]
                if not character.isspace():
                    return character
                self._line += character == "\n"
                self._at += 1
            if not self._read_on():
                return ""

    def _value(self) -> tuple[Any, str]:
        """Consume and return the next value, and its text if one of its objects repeats a key."""
        while True:
            self._members.repeated = None
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                # A number at the end of the buffer may be incomplete.
                if end == len(self._buffer):
                    end -= self._at
                    if self._read_on():
                        continue
            except ValueError:
                # The value is invalid, or continues after the end of the buffer. More text decides which.
                if len(self._buffer) - self._at > _MAX_VALUE_CHARACTERS or not self._read_on():
                    raise
                continue
            text = "" if self._members.repeated is None else self._buffer[self._at : end]
            self._line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value, text

    def _read_on(self) -> bool:
        kept = self._buffer[self._at :]
        # Double the buffer, so that a long value is not parsed again for each chunk.
        more = "" if self._ended else self._text.read(max(_CHUNK_CHARACTERS, len(kept)))
        self._ended = not more
        self._buffer, self._at = kept + more, 0
        return bool(more)

    def _invalid(self, why: str) -> Row:
        excerpt = self._buffer[self._at : self._at + _EXCERPT_CHARACTERS]
        return Row(self._line, None, f"{why}; {_REST_UNREADABLE}", excerpt)


class _Members:
    """Creates the objects of a JSON value, and remembers a key that one of them repeats."""

    def __init__(self) -> None:
        self.repeated: str | None = None

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = next(key for key, count in counts.items() if count > 1)
        return members


def _row(line: int, value: Any, repeated: str | None, text: str) -> Row:
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


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text
