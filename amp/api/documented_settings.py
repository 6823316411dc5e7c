"""Puts the values of settings into the OpenAPI document, so that each server documents its own limits."""

import re
from typing import Any

from amp.settings import Settings

_PLACEHOLDER = re.compile(r"\{setting:(\w+)\}")
_KEYWORDS = "x-settings"


def in_text(name: str) -> str:
    """Stands for the value of that setting in a description."""
    return f"{{setting:{name}}}"


def of_schema(**names: str) -> dict[str, dict[str, str]]:
    """Put beside a schema, gives it keywords, such as `maxItems`, whose values are those of the settings named."""
    return {_KEYWORDS: names}


def filled(document: Any, settings: Settings) -> Any:
    """The JSON document with the values of the settings that it names."""
    match document:
        case dict():
            found = {key: filled(value, settings) for key, value in document.items() if key != _KEYWORDS}
            for keyword, name in document.get(_KEYWORDS, {}).items():
                found["schema"][keyword] = getattr(settings, name)
            return found
        case list():
            return [filled(value, settings) for value in document]
        case str():
            return _PLACEHOLDER.sub(lambda match: _words(match[1], getattr(settings, match[1])), document)
    return document


def _words(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{value >> 20:,} MiB" if value % (1 << 20) == 0 else f"{value:,} bytes"
    return f"{value:,} seconds" if name.endswith("_s") else f"{value:,}"
