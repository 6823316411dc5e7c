"""JSON as AMP accepts it: nothing is rounded, dropped or guessed, and every refusal names its place."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from amp.api.errors import MalformedJson
from amp.domain.validation import LONG_MAX, LONG_MIN, escape_pointer
from amp.errors import Fault

MAX_DEPTH = 40
#: Only an escape can bring these into a string: raw ones are refused as bytes or by the parser.
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


_TOO_DEEP = Fault("", f"is nested deeper than {MAX_DEPTH} levels")


class _Flaw:
    """Stands in the parsed tree where a value was refused, so that its place can be told."""

    __slots__ = ("detail",)

    def __init__(self, detail: str) -> None:
        self.detail = detail


def parse(data: bytes) -> Any:
    """The JSON value in `data`.

    :raises MalformedJson: with the place, as line and column or as JSON pointer.
    """
    return _Reader().value(data)


def parse_items(data: bytes, most: int) -> list[Any]:
    """The elements of the JSON array in `data`, at most `most + 1`; a refused one is represented by its
    `MalformedJson`.

    :raises MalformedJson: it is no array, or cannot be read to its end.
    """
    value, suspect = _Reader().read(data)
    if not isinstance(value, list):
        raise MalformedJson("the body must be a JSON array", [Fault("", "must be an array")])
    items = value[: most + 1]
    if not suspect:
        return items
    faults = [next(_faults(item, ""), None) for item in items]
    return [_refusal(fault) if fault else item for item, fault in zip(items, faults, strict=True)]


def parse_lines(data: bytes, most: int) -> list[Any]:
    """The values on the lines of `data`, one each (NDJSON), at most `most + 1`; a refused one is represented by its
    `MalformedJson`. Empty lines do not count."""
    reader = _Reader()
    lines = (line for line in data.split(b"\n") if line.strip())
    return [_line(reader, line) for line in itertools.islice(lines, most + 1)]


def _line(reader: "_Reader", line: bytes) -> Any:
    try:
        return reader.value(line)
    except MalformedJson as e:
        return e


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

    def value(self, data: bytes) -> Any:
        """:raises MalformedJson: with the place."""
        value, suspect = self.read(data)
        if suspect and (fault := next(_faults(value, ""), None)):
            raise _refusal(fault)
        return value

    def read(self, data: bytes) -> tuple[Any, bool]:
        """The value, and whether it has to be searched for flaws.

        :raises MalformedJson: it cannot be read to its end, or is nested too deep.
        """
        self._flawed = False
        try:
            value = self._decoder.decode(data.decode())
        except UnicodeDecodeError as e:
            raise MalformedJson(f"the body is not UTF-8: byte {e.start} is {data[e.start]:#04x}") from e
        except json.JSONDecodeError as e:
            raise MalformedJson(f"not JSON: {e.msg} at line {e.lineno}, column {e.colno}") from e
        except RecursionError as e:
            raise _refusal(_TOO_DEEP) from e
        if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
            raise _refusal(_TOO_DEEP)
        return value, self._flawed or _SUSPECT_ESCAPE.search(data) is not None

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


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


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
        return "holds U+0000, which is not allowed"
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "holds a lone surrogate, which is not allowed"
    return None


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            break
        seen.add(key)
    return key[:128].encode("utf-8", "replace").decode()


def _refusal(fault: Fault) -> MalformedJson:
    return MalformedJson(f"{fault.pointer or 'the body'} {fault.detail}", [fault])
