"""Measures JSON text before anything is built of it: how deep it is nested, how much it holds, where its items are."""

import itertools
import re
from collections.abc import Iterator

from amp.api.errors import MalformedJson
from amp.errors import Fault, TooLarge

MAX_DEPTH = 40
#: Arrays and objects of one bulk body.
MAX_CONTAINERS = 250_000
_TOO_DEEP = Fault("", f"is nested deeper than {MAX_DEPTH} levels")

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
#: One that never closes goes to the end, so that no later quote begins another search for its end.
_STRINGS = re.compile(rf"{_STRING}?", re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
#: Everything up to and including the next bracket outside strings; and the next bracket or comma.
_TO_BRACKET = re.compile(rf'[^"\[\]{{}}]*+(?:{_STRING}[^"\[\]{{}}]*+)*+[\[\]{{}}]', re.DOTALL)
_TO_TOKEN = re.compile(rf'[^"\[\]{{}},]*+(?:{_STRING}[^"\[\]{{}},]*+)*+[\[\]{{}},]', re.DOTALL)


def check_structure(text: str, max_values: int) -> None:
    """Bounds what a parser will build of `text`, whether it is JSON or not, in time linear in its length.

    :raises TooLarge: it has more arrays, objects and members of them.
    :raises MalformedJson: it is nested deeper than `MAX_DEPTH`.
    """
    opened = text.count("[") + text.count("{")
    if opened <= MAX_DEPTH and opened + text.count(",") <= max_values:
        return
    # Brackets and commas in strings do not count. So many values have at most twice as many strings.
    max_strings = 2 * max_values + 2
    bare, strings = _STRINGS.subn("", text, count=max_strings + 1)
    if strings > max_strings:  # the brackets in those that are left would count
        raise _too_many(max_values)
    depth = 0
    for bracket in itertools.islice(_BRACKETS.finditer(bare), 2 * max_values):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise MalformedJson(f"the body {_TOO_DEEP.detail}", [_TOO_DEEP])
    if bare.count("[") + bare.count("{") + bare.count(",") > max_values:
        raise _too_many(max_values)


def _too_many(max_values: int) -> TooLarge:
    return TooLarge(f"there are more than the {max_values} values that are allowed in one body")


def item_spans(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """Where the items of an array are whose `[` stands before `begin`: from behind one comma to the next, or to the
    `]`. The text between them need not be JSON. Ends without a last item where there is no `]`.

    :raises TooLarge: there are more than `MAX_CONTAINERS`.
    """
    depth, containers, at = 1, 0, begin
    while found := (_TO_TOKEN if depth == 1 else _TO_BRACKET).match(text, at):
        at = found.end()
        match text[at - 1]:
            case "[" | "{":
                depth += 1
                containers += 1
                if containers > MAX_CONTAINERS:
                    raise TooLarge(f"the body has more than the {MAX_CONTAINERS} arrays and objects that are allowed")
            case "," if depth == 1:
                yield begin, at - 1
                begin = at
            case "]" | "}":
                depth -= 1
                if depth == 0:
                    yield begin, at - 1
                    return
