"""Reads JSON values from a file one by one."""

import io
import json
from dataclasses import replace
from typing import Any

from amp.cli.importing.files.json_values import ObjectHook, row_of_value, whole_number
from amp.cli.importing.files.row import EXCERPT_CHARACTERS, MAX_VALUE_CHARACTERS, REST_UNREADABLE, Row
from amp.cli.importing.refused import ImportRefused

#: The column of the keys of rows that are members of an object.
KEY_COLUMN = "key"
_CHUNK_CHARACTERS = 1 << 18


class JsonText:
    """Reads JSON values from a file one by one, in chunks of the file."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.broken = False  #: Whether the text is not JSON, so that nothing after it can be read.
        self._text = text
        self._members = ObjectHook()
        self._decoder = json.JSONDecoder(parse_int=whole_number, object_pairs_hook=self._members)
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def peek(self) -> str:
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

    def skip(self, character: str) -> None:
        """Consume the next character, which `peek` returned."""
        self._at += len(character)

    def row(self, key: str | None = None) -> Row:
        """Consume the next value, and return it as a row.

        :param key: the key of the value, which becomes a column of the row.
        """
        self.peek()
        line = self._line
        try:
            value, text = self._next_value()
        except (ValueError, RecursionError) as e:
            return self.invalid(f"is not JSON: {getattr(e, 'msg', e)}")
        row = row_of_value(line, value, self._members.repeated, text)
        if key is None or row.data is None:
            return row
        if KEY_COLUMN in row.data:
            return Row(line, None, f"has a member {KEY_COLUMN!r}, the name of the column of its key", row.data)
        return replace(row, data={KEY_COLUMN: key} | row.data)

    def value(self) -> tuple[Any, str]:
        """Consume and return the next value, and its text if one of its objects repeats a key.

        :raises ImportRefused: it is not JSON.
        """
        try:
            return self._next_value()
        except (ValueError, RecursionError) as e:
            raise self.unreadable(getattr(e, "msg", str(e))) from e

    def invalid(self, why: str) -> Row:
        """Return the row for text that is not JSON."""
        self.broken = True
        excerpt = self._buffer[self._at : self._at + EXCERPT_CHARACTERS]
        return Row(self._line, None, f"{why}; {REST_UNREADABLE}", excerpt)

    def unreadable(self, why: str) -> ImportRefused:
        """Return the error for text outside of the rows that is not JSON."""
        return ImportRefused(f"line {self._line} is not JSON: {why}")

    def _next_value(self) -> tuple[Any, str]:
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
                if len(self._buffer) - self._at > MAX_VALUE_CHARACTERS:
                    raise ValueError(f"a value is longer than {MAX_VALUE_CHARACTERS:,} characters") from None
                if not self._read_on():
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
