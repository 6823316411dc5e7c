"""Reads rows from JSON, NDJSON and CSV, one after another, whatever the size of the file."""

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
#: A value, line or cell that is still not complete after so many characters is taken for broken.
_MAX_VALUE_CHARACTERS = 16 << 20
_MAX_DEPTH = 100
_SHOWN_CHARACTERS = 200  #: of what could not be read
#: Python reads no longer whole number from text; no field holds one either.
_MAX_DIGITS = 4_000
_AFTER = "nothing after it could be read"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, or what is wrong with it."""

    line: int  #: from 1, where it begins (CSV: where it ends)
    data: dict[str, Any] | None
    problem: str | None = None
    raw: Any = None  #: what a row that is none holds


def format_of(name: str, beginning: bytes) -> str:
    """The format that the file's name says, or else its beginning."""
    by_name = _SUFFIXES.get(PurePath(name).suffix.lower())
    if by_name is not None:
        return by_name
    return {b"[": "json", b"{": "ndjson"}.get(beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1], "csv")


def read_rows(file: BinaryIO, format_: str) -> Iterator[Row]:
    """The rows in order. What is no UTF-8 comes as lone surrogates."""
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
            yield Row(number, None, f"is longer than {_MAX_VALUE_CHARACTERS:,} characters", line[:_SHOWN_CHARACTERS])
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
    # Python's own limit is 128 KiB and for the whole process; without one, a quote that is never closed takes the rest
    # of the file into memory.
    csv.field_size_limit(_MAX_VALUE_CHARACTERS)
    reader = csv.reader(text, strict=True)
    try:
        header = _different(next(reader, []))
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield Row(reader.line_num, None, f"has {len(cells)} cells; the header has {len(header)}", cells)
            else:
                yield Row(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as e:
        yield Row(reader.line_num, None, f"is not CSV, and {_AFTER}: {e}")


def _different(header: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


class _JsonRows:
    """The elements of an array, or values one after another, without the whole file in memory."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._members = _Members()
        self._decoder = json.JSONDecoder(parse_int=_whole_number, object_pairs_hook=self._members)
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def __iter__(self) -> Iterator[Row]:
        in_array = self._next() == "["
        if in_array:
            self._at += 1
        first = True
        while True:
            character = self._next()
            if in_array and character == "]":
                self._at += 1
                if self._next():
                    yield self._broken("follows the end of the array")
                return
            if in_array and not first:
                if character != ",":
                    yield self._broken("is not followed by a comma or the end of the array")
                    return
                self._at += 1
                character = self._next()
            if not character:
                if in_array:
                    yield self._broken("ends before its array does")
                return
            line = self._line
            try:
                value, text = self._value()
            except (ValueError, RecursionError) as e:
                yield self._broken(f"is not JSON: {getattr(e, 'msg', e)}")
                return
            yield _row(line, value, self._members.repeated, text)
            first = False

    def _next(self) -> str:
        """The next character that is no blank, left where it is; "" at the end."""
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
        """The next value, and its text if a key is repeated in it."""
        while True:
            self._members.repeated = None
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                # What ends with the buffer may be half a number.
                if end == len(self._buffer):
                    end -= self._at
                    if self._read_on():
                        continue
            except ValueError:
                # Cut off by the end of the buffer, or really broken: more text tells.
                if len(self._buffer) - self._at > _MAX_VALUE_CHARACTERS or not self._read_on():
                    raise
                continue
            text = "" if self._members.repeated is None else self._buffer[self._at : end]
            self._line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value, text

    def _read_on(self) -> bool:
        kept = self._buffer[self._at :]
        # As much again as is there already, so that a long value is not tried once for every chunk of it.
        more = "" if self._ended else self._text.read(max(_CHUNK_CHARACTERS, len(kept)))
        self._ended = not more
        self._buffer, self._at = kept + more, 0
        return bool(more)

    def _broken(self, why: str) -> Row:
        return Row(self._line, None, f"{why}; {_AFTER}", self._buffer[self._at : self._at + _SHOWN_CHARACTERS])


class _Members:
    """Makes the objects of one value, and remembers a key that one of them has more than once."""

    def __init__(self) -> None:
        self.repeated: str | None = None

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = next(key for key, count in counts.items() if count > 1)
        return found


def _row(line: int, value: Any, repeated: str | None, text: str) -> Row:
    """:param text: the value as it stands in the file. It is the row's `raw` if a key is repeated, as `value` lacks a
    member then."""
    if not isinstance(value, dict):
        return Row(line, None, "is not an object", value if _depth_within(value) else None)
    if not _depth_within(value):
        return Row(line, None, f"has values inside values, more than {_MAX_DEPTH} deep")
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
