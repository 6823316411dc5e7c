"""Measures JSON text before it is parsed: its depth, the number of its values, and the positions of array items."""

import itertools
import re
from collections.abc import Iterator

from amp.api.errors import MalformedJson
from amp.errors import Fault, TooLarge

MAX_DEPTH = 40
#: Maximum number of arrays and objects in one bulk body.
MAX_CONTAINERS = 250_000
_TOO_DEEP = Fault("", f"is nested deeper than {MAX_DEPTH} levels")

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
#: A string without a closing quote extends to the end of the text, so that no later quote starts another search.
_STRINGS = re.compile(rf"{_STRING}?", re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
#: These match up to and including the next bracket outside strings, and up to the next bracket or comma.
_TO_BRACKET = re.compile(rf'[^"\[\]{{}}]*+(?:{_STRING}[^"\[\]{{}}]*+)*+[\[\]{{}}]', re.DOTALL)
_TO_TOKEN = re.compile(rf'[^"\[\]{{}},]*+(?:{_STRING}[^"\[\]{{}},]*+)*+[\[\]{{}},]', re.DOTALL)
#: Blank lines, and then one that is not blank.
_LINE = re.compile(rb"\s*+([^\n]*+)")


def check_structure(text: str, max_values: int) -> None:
    """Limit what a parser can create from `text`, which need not be valid JSON. The time is linear in its length.

    :raises TooLarge: `text` has more than `max_values` arrays, objects and members of them.
    :raises MalformedJson: `text` is nested deeper than `MAX_DEPTH`.
    """
    opened = text.count("[") + text.count("{")
    if opened <= MAX_DEPTH and opened + text.count(",") <= max_values:
        return
    # Brackets and commas in strings do not count. `max_values` values have at most twice as many strings.
    max_strings = 2 * max_values + 2
    bare, strings = _STRINGS.subn("", text, count=max_strings + 1)
    if strings > max_strings:  # the brackets in the remaining strings would be counted
        raise _too_many(max_values)
    depth = 0
    for bracket in itertools.islice(_BRACKETS.finditer(bare), 2 * max_values):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise MalformedJson(f"the body {_TOO_DEEP.detail}", [_TOO_DEEP])
    if bare.count("[") + bare.count("{") + bare.count(",") > max_values:
        raise _too_many(max_values)


def _too_many(max_values: int) -> TooLarge:
    return TooLarge(f"the JSON has more than {max_values} values, the maximum")


def item_spans(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of each item of the array whose `[` precedes `begin`. An item extends from one comma to the
    next, or to the `]`; its text need not be valid JSON. Without a `]`, the last item is not yielded.

    :raises TooLarge: the items contain more than `MAX_CONTAINERS` arrays and objects.
    """
    depth, containers, position = 1, 0, begin
    while token := (_TO_TOKEN if depth == 1 else _TO_BRACKET).match(text, position):
        position = token.end()
        match text[position - 1]:
            case "[" | "{":
                depth += 1
                containers += 1
                if containers > MAX_CONTAINERS:
                    raise TooLarge(f"the body has more than {MAX_CONTAINERS} arrays and objects, the maximum")
            case "," if depth == 1:
                yield begin, position - 1
                begin = position
            case "]" | "}":
                depth -= 1
                if depth == 0:
                    yield begin, position - 1
                    return


def line_spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of each line that is not blank."""
    position = 0
    while (line := _LINE.match(data, position)) and line.end() > line.start(1):
        yield line.span(1)
        position = line.end()
