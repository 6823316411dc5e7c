"""Says in the words of the API what pydantic finds wrong with a body."""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

#: Pydantic's prefix to the messages of AMP's own validators.
_OWN = "Value error, "
_INPUT = "Input should be "
_LITERALS = re.compile(r"'((?:[^']|\\')*)'")
_PLAIN = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
}
_WITH_CONTEXT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "too_long": lambda context: f"has more than {context['max_length']:,} elements",
    "too_short": lambda context: f"must have at least {context['min_length']:,} elements",
    "string_too_long": lambda context: f"is longer than {context['max_length']:,} characters",
    "string_too_short": lambda context: f"must have at least {context['min_length']:,} characters",
    "literal_error": lambda context: f"must be {context['expected']}",
}


def plain_message(model: type[BaseModel], details: ErrorDetails, *, suggest: bool) -> str:
    """Return what is wrong with a member of a body, without its place.

    :param model: the model of the body, whose members are suggested for unknown ones.
    :param suggest: suggest a similar name. This takes most of the time.
    """
    kind = details["type"]
    if kind == "extra_forbidden":
        suggestion = _suggestion(str(details["loc"][-1]), sorted(_members(model))) if suggest else ""
        return f"is not a known member{suggestion}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "literal_error" and suggest and isinstance(details["input"], str):
        expected = str(details.get("ctx", {}).get("expected", ""))
        return f"must be {expected}{_suggestion(details['input'], _LITERALS.findall(expected))}"
    if kind in _WITH_CONTEXT:
        return _WITH_CONTEXT[kind](details.get("ctx", {}))
    message = details["msg"].removeprefix(_OWN)
    return f"must be {message.removeprefix(_INPUT)}" if message.startswith(_INPUT) else message


def _suggestion(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name[:64], known, n=1)
    return f"; did you mean {similar[0]!r}?" if similar else ""


@cache
def _members(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of all members of the model and of the models in it."""
    names: set[str] = set()
    pending: list[Any] = [model]
    seen: set[Any] = set()
    while pending:
        part = pending.pop()
        if part in seen:
            continue
        seen.add(part)
        if isinstance(part, type) and issubclass(part, BaseModel):
            names.update(field.alias or name for name, field in part.model_fields.items())
            pending += [field.annotation for field in part.model_fields.values()]
        else:
            pending += [inner for inner in get_args(part) if not isinstance(inner, str)]
    return frozenset(names)
