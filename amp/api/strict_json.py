"""Parses JSON strictly: nothing is rounded, dropped or guessed, and every error names its place."""

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from amp.api.errors import MalformedJson
from amp.api.json_structure import check_structure, item_spans, line_spans
from amp.domain.storable_text import CONTAINS_NUL, CONTAINS_SURROGATE
from amp.domain.validation import LONG_MAX, LONG_MIN, escape_pointer
from amp.errors import Fault, Invalid, TooLarge, Unprocessable

#: Escapes of U+0000 and of surrogates. Only an escape can add these to a string: raw ones are not UTF-8, or the parser
#: rejects them.
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
#: A whole number of fewer digits fits 64 bits.
_LONG_NUMBER = re.compile(r"[0-9]{19}")
_BLANK = re.compile(r"[ \t\n\r]*+")
#: Up to this length of the text, all items are parsed at once. In longer texts, each is parsed twice, to save memory.
_MAX_KEPT_CHARS = 256 * 1024
#: Checks only the syntax, much faster than with hooks. Whole numbers are read as `float`, as `int` rejects very long
#: ones.
_SYNTAX = json.JSONDecoder(parse_int=float)


class _Flaw:
    """Marks a rejected value in the parsed tree, so that its place can be reported."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail


def parse(data: bytes, max_values: int) -> Any:
    """Return the JSON value in `data`. It is not parsed before its number of values is known to be allowed.

    :raises MalformedJson: `data` is not JSON, or contains a value that is not accepted; the error names the place as
        line and column or as JSON pointer.
    :raises TooLarge: `data` has more than `max_values` values.
    """
    return _Reader().value(_decoded(data), max_values)


class ArrayItems:
    """The items of a JSON array, each parsed when the iteration reaches it. A rejected item is represented by its
    `Invalid`.

    :raises Unprocessable, MalformedJson: `data` is not an array, or is not JSON up to its end.
    :raises TooLarge: the array has more items, or more arrays and objects, than allowed.
    """

    def __init__(self, data: bytes, max_items: int, max_item_bytes: int, max_item_values: int) -> None:
        self._text = text = _decoded(data)
        self._max_item_bytes = max_item_bytes
        self._max_item_values = max_item_values
        self._reader = _Reader()
        begin = _after_blanks(text, 0)
        if text[begin : begin + 1] != "[":
            self._reader.value(text, max_item_values)
            raise Unprocessable("the body must be a JSON array", [Fault("", "must be a JSON array")])
        self._spans = _checked_count(item_spans(text, begin + 1), max_items)
        end = self._spans[-1][1] if self._spans else len(text)
        if text[end : end + 1] != "]":
            raise _syntax_error(text, "the array is not closed", len(text))
        if (trailing := _after_blanks(text, end + 1)) < len(text):
            raise _syntax_error(text, "Extra data", trailing)
        if len(self._spans) == 1 and _after_blanks(text, begin + 1) == end:
            self._spans = []
        # Text that is not JSON is rejected before any item of it is used.
        self._parsed = [self._item(span) for span in self._spans] if len(text) <= _MAX_KEPT_CHARS else None
        if self._parsed is None:
            for span in self._spans:
                self._check_syntax(span)

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parsed) if self._parsed is not None else (self._item(span) for span in self._spans)

    def _item(self, span: tuple[int, int]) -> Any:
        """Return the item, or the error because of which it is rejected.

        :raises MalformedJson: the text of the item is not JSON.
        """
        error = self._size_error(span)
        if error is not None:
            return error
        try:
            return self._reader.item(self._text, *span)
        except _Rejected as e:
            return e.error

    def _check_syntax(self, span: tuple[int, int]) -> None:
        """:raises MalformedJson: the text of the item is not JSON."""
        if self._size_error(span) is not None:
            return
        try:
            orjson.loads(self._text[slice(*span)])
        except orjson.JSONDecodeError:
            # Either it is not JSON, which this explains, or orjson is stricter.
            _decode(_SYNTAX, self._text, *span)

    def _size_error(self, span: tuple[int, int]) -> Invalid | None:
        begin, end = span
        if self._is_longer(begin, end):
            return TooLarge(f"the item is longer than {self._max_item_bytes} bytes, the maximum")
        try:
            check_structure(self._text[begin:end], self._max_item_values)
        except Invalid as e:
            return e
        return None

    def _is_longer(self, begin: int, end: int) -> bool:
        """Return whether the text has more than the maximum of bytes in UTF-8, in which a character has up to four."""
        chars, limit = end - begin, self._max_item_bytes
        return chars > limit or (chars * 4 > limit and len(self._text[begin:end].encode()) > limit)


class LineItems:
    """The values of NDJSON, one per line, each parsed when the iteration reaches it. A rejected value is represented by
    its `Invalid`. Blank lines are skipped.

    :raises TooLarge: there are more than `max_items` values.
    """

    def __init__(self, data: bytes, max_items: int, max_item_bytes: int, max_item_values: int) -> None:
        self._data = data
        self._max_item_bytes = max_item_bytes
        self._max_item_values = max_item_values
        self._reader = _Reader()
        self._spans = _checked_count(line_spans(data), max_items)

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Any]:
        return map(self._item, self._spans)

    def _item(self, span: tuple[int, int]) -> Any:
        begin, end = span
        if end - begin > self._max_item_bytes:
            return TooLarge(f"the line is longer than {self._max_item_bytes} bytes, the maximum")
        try:
            return self._reader.value(_decoded(self._data[begin:end]), self._max_item_values)
        except Invalid as e:
            return e


class _Rejected(Exception):
    """The text is JSON, but a value in it is not accepted."""

    def __init__(self, error: MalformedJson) -> None:
        self.error = error
        super().__init__(error.message)


class _Reader:
    """The standard library's parser with hooks that put a `_Flaw` in place of each value that it would change."""

    def __init__(self) -> None:
        self._flawed = False
        self._decoder = self._decoder_of(parse_int=self._whole)
        #: Three times as fast where a text has many whole numbers.
        self._decoder_of_short_numbers = self._decoder_of(parse_int=int)

    def _decoder_of(self, parse_int: Callable[[str], Any]) -> json.JSONDecoder:
        return json.JSONDecoder(
            parse_int=parse_int,
            parse_float=self._decimal,
            parse_constant=lambda name: self._flaw(f"{name} is not JSON"),
            object_pairs_hook=self._members,
        )

    def value(self, text: str, max_values: int) -> Any:
        """Return the value of the whole text.

        :raises MalformedJson: the text is not JSON, or a value in it is rejected.
        :raises TooLarge: it has more than `max_values` values.
        """
        check_structure(text, max_values)
        try:
            return self.item(text, 0, len(text))
        except _Rejected as e:
            raise e.error from e

    def item(self, text: str, begin: int, end: int) -> Any:
        """Return the value of the text from `begin` to `end`, whose structure has been checked.

        :raises MalformedJson: the text is not JSON.
        :raises _Rejected: a value in it is rejected.
        """
        self._flawed = False
        has_long_numbers = _LONG_NUMBER.search(text, begin, end) is not None
        decoder = self._decoder if has_long_numbers else self._decoder_of_short_numbers
        value = _decode(decoder, text, begin, end)
        if self._flawed or _UNSTORABLE_ESCAPE.search(text, begin, end):
            fault = next(_faults(value, ""), None)
            if fault is not None:
                raise _Rejected(MalformedJson(f"{fault.pointer or 'the body'} {fault.detail}", [fault]))
        return value

    def _flaw(self, detail: str) -> _Flaw:
        self._flawed = True
        return _Flaw(detail)

    def _whole(self, text: str) -> int | _Flaw:
        # int() itself would reject thousands of digits, with a different message.
        if len(text) > 20 or not LONG_MIN <= (number := int(text)) <= LONG_MAX:
            return self._flaw("is a whole number beyond 64 bits")
        return number

    def _decimal(self, text: str) -> float | _Flaw:
        number = float(text)
        return number if math.isfinite(number) else self._flaw("is a number beyond the range of a double")

    def _members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Flaw:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        return self._flaw(f"contains the key {_repeated(pairs)!r} more than once")


def _decode(decoder: json.JSONDecoder, text: str, begin: int, end: int) -> Any:
    """Return the value of the text from `begin` to `end`.

    :raises MalformedJson: the text is not JSON.
    """
    try:
        value, after = decoder.raw_decode(text, _after_blanks(text, begin))
    except json.JSONDecodeError as e:
        raise _syntax_error(text, e.msg, e.pos) from e
    if (trailing := _after_blanks(text, after)) != end:
        raise _syntax_error(text, "Extra data", trailing)
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise MalformedJson(f"the body is not UTF-8: byte {e.start} is {data[e.start]:#04x}") from e


def _after_blanks(text: str, position: int) -> int:
    blanks = _BLANK.match(text, position)
    return position if blanks is None else blanks.end()


def _syntax_error(text: str, what: str, position: int) -> MalformedJson:
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    return MalformedJson(f"the body is not valid JSON: {what} at line {line}, column {column}")


def _checked_count(spans: Iterator[tuple[int, int]], max_items: int) -> list[tuple[int, int]]:
    checked = list(itertools.islice(spans, max_items + 1))
    if len(checked) > max_items:
        raise TooLarge(f"the body has more than {max_items} items, the maximum")
    return checked


def _faults(value: Any, pointer: str) -> Iterator[Fault]:
    match value:
        case _Flaw():
            yield Fault(pointer, value.detail)
        case str():
            if detail := _text_flaw(value):
                yield Fault(pointer, detail)
        case dict():
            for key, inner in value.items():
                if detail := _text_flaw(key):
                    yield Fault(pointer, f"has a key that {detail}")
                else:
                    yield from _faults(inner, f"{pointer}/{escape_pointer(key)}")
        case list():
            for i, inner in enumerate(value):
                yield from _faults(inner, f"{pointer}/{i}")


def _text_flaw(text: str) -> str | None:
    if "\x00" in text:
        return CONTAINS_NUL
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return CONTAINS_SURROGATE
    return None


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            break
        seen.add(key)
    return key[:128].encode("utf-8", "replace").decode()
