"""JSON as AMP accepts it: nothing is rounded, dropped or guessed, and every refusal names its place."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from amp.api.errors import MalformedJson
from amp.api.json_structure import check_structure, item_spans
from amp.domain.storable_text import CONTAINS_NUL, CONTAINS_SURROGATE
from amp.domain.validation import LONG_MAX, LONG_MIN, escape_pointer
from amp.errors import Fault, Invalid, TooLarge

#: Only an escape can bring these into a string: raw ones are refused as bytes or by the parser.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BLANK = re.compile(r"[ \t\n\r]*+")
#: Blank lines, and then one that is not.
_LINE = re.compile(rb"\s*+([^\n]*+)")
#: Items of a text up to this length are kept as they were parsed first, rather than parsed again.
_KEPT_CHARS = 256 * 1024
#: Much faster than with hooks. Whole numbers are read as `float`, as `int` refuses very long ones.
_SYNTAX = json.JSONDecoder(parse_int=float)


class _Flaw:
    """Stands in the parsed tree where a value was refused, so that its place can be told."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail


def parse(data: bytes, max_values: int) -> Any:
    """The JSON value in `data`; nothing is built before it is known to hold no more than `max_values`.

    :raises MalformedJson: with the place, as line and column or as JSON pointer.
    :raises TooLarge: it holds more.
    """
    return _Reader().value(_decoded(data), max_values)


class ArrayItems:
    """The elements of a JSON array, each parsed when it is come to; a refused one is represented by its `Invalid`.

    :raises MalformedJson: it is no array, or cannot be read to its end.
    :raises TooLarge: it has more items, or more arrays and objects, than allowed.
    """

    def __init__(self, data: bytes, max_items: int, max_item_bytes: int, max_item_values: int) -> None:
        self._text = text = _decoded(data)
        self._max_item_chars = max_item_bytes
        self._max_item_values = max_item_values
        self._reader = _Reader()
        begin = _after_blanks(text, 0)
        if text[begin : begin + 1] != "[":
            self._reader.value(text, max_item_values)
            raise MalformedJson("the body must be a JSON array", [Fault("", "must be an array")])
        self._spans = _checked_count(item_spans(text, begin + 1), max_items)
        end = self._spans[-1][1] if self._spans else len(text)
        if text[end : end + 1] != "]":
            raise _syntax_error(text, "the array has no end", len(text))
        if (trailing := _after_blanks(text, end + 1)) < len(text):
            raise _syntax_error(text, "Extra data", trailing)
        if len(self._spans) == 1 and _after_blanks(text, begin + 1) == end:
            self._spans = []
        # Text that is no JSON is refused before anything is done with a part of it.
        self._kept = [self._item(span) for span in self._spans] if len(text) <= _KEPT_CHARS else None
        if self._kept is None:
            for span in self._spans:
                self._check_syntax(span)

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept) if self._kept is not None else (self._item(span) for span in self._spans)

    def _item(self, span: tuple[int, int]) -> Any:
        """:raises MalformedJson: it is no JSON; what is merely refused is given back."""
        refusal = self._too_much(span)
        if refusal is not None:
            return refusal
        try:
            return self._reader.item(self._text, *span)
        except _Refused as e:
            return e.refusal

    def _check_syntax(self, span: tuple[int, int]) -> None:
        """:raises MalformedJson: it is no JSON."""
        if self._too_much(span) is None:
            _decode(_SYNTAX, self._text, *span)

    def _too_much(self, span: tuple[int, int]) -> Invalid | None:
        begin, end = span
        if end - begin > self._max_item_chars:
            return TooLarge(f"the item has more than the {self._max_item_chars} bytes that are allowed")
        try:
            check_structure(self._text[begin:end], self._max_item_values)
        except Invalid as e:
            return e
        return None


class LineItems:
    """The values on the lines of `data`, one each (NDJSON), parsed when they are come to; a refused one is represented
    by its `Invalid`. Empty lines do not count.

    :raises TooLarge: there are more than allowed.
    """

    def __init__(self, data: bytes, max_items: int, max_item_bytes: int, max_item_values: int) -> None:
        self._data = data
        self._max_item_bytes = max_item_bytes
        self._max_item_values = max_item_values
        self._reader = _Reader()
        self._spans = _checked_count(_line_spans(data), max_items)

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Any]:
        return map(self._item, self._spans)

    def _item(self, span: tuple[int, int]) -> Any:
        begin, end = span
        if end - begin > self._max_item_bytes:
            return TooLarge(f"the line has more than the {self._max_item_bytes} bytes that are allowed")
        try:
            return self._reader.value(_decoded(self._data[begin:end]), self._max_item_values)
        except Invalid as e:
            return e


class _Refused(Exception):
    """The text is JSON, but a value in it is not accepted."""

    def __init__(self, refusal: MalformedJson) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


class _Reader:
    """The standard library's parser with hooks that put a `_Flaw` wherever it would give in."""

    def __init__(self) -> None:
        self._flawed = False
        self._decoder = json.JSONDecoder(
            parse_int=self._whole,
            parse_float=self._decimal,
            parse_constant=lambda name: self._flaw(f"{name} is not JSON"),
            object_pairs_hook=self._members,
        )

    def value(self, text: str, max_values: int) -> Any:
        """:raises MalformedJson: with the place. :raises TooLarge: it holds more values."""
        check_structure(text, max_values)
        try:
            return self.item(text, 0, len(text))
        except _Refused as e:
            raise e.refusal from e

    def item(self, text: str, begin: int, end: int) -> Any:
        """The value that is all of the text from `begin` to `end`, whose structure was checked.

        :raises MalformedJson: it is no JSON.
        :raises _Refused: a value in it is refused.
        """
        self._flawed = False
        value = _decode(self._decoder, text, begin, end)
        if self._flawed or _SUSPECT_ESCAPE.search(text, begin, end):
            fault = next(_faults(value, ""), None)
            if fault is not None:
                raise _Refused(MalformedJson(f"{fault.pointer or 'the body'} {fault.detail}", [fault]))
        return value

    def _flaw(self, detail: str) -> _Flaw:
        self._flawed = True
        return _Flaw(detail)

    def _whole(self, text: str) -> int | _Flaw:
        # int() refuses thousands of digits by itself, with another message.
        if len(text) > 20 or not LONG_MIN <= (number := int(text)) <= LONG_MAX:
            return self._flaw("is beyond 64 bits")
        return number

    def _decimal(self, text: str) -> float | _Flaw:
        number = float(text)
        return number if math.isfinite(number) else self._flaw("is beyond what a double holds")

    def _members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Flaw:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        return self._flaw(f"has the key {_repeated(pairs)!r} more than once")


def _decode(decoder: json.JSONDecoder, text: str, begin: int, end: int) -> Any:
    """:raises MalformedJson: the text from `begin` to `end` is no JSON."""
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


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANK.match(text, at)
    return at if blanks is None else blanks.end()


def _syntax_error(text: str, what: str, at: int) -> MalformedJson:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return MalformedJson(f"not JSON: {what} at line {line}, column {column}")


def _line_spans(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while (line := _LINE.match(data, at)) and line.end() > line.start(1):
        yield line.span(1)
        at = line.end()


def _checked_count(spans: Iterator[tuple[int, int]], max_items: int) -> list[tuple[int, int]]:
    found = list(itertools.islice(spans, max_items + 1))
    if len(found) > max_items:
        raise TooLarge(f"the body has more than the {max_items} items that are allowed")
    return found


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
