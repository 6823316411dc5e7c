"""Inserts the values of settings into the OpenAPI document, so that each server documents its own limits."""

import re
from typing import Any

from amp.settings import Settings

_PLACEHOLDER = re.compile(r"\{setting:(\w+)\}")
_KEYWORDS = "x-settings"


def setting_text(name: str) -> str:
    """Return a placeholder for the value of the setting `name`, to be used in a description."""
    return f"{{setting:{name}}}"


def setting_keywords(**names: str) -> dict[str, dict[str, str]]:
    """Return a member for the object that contains a `schema`. It contains the schema keywords, such as `maxItems`,
    each with the value of the setting that is named.
    """
    return {_KEYWORDS: names}


def insert_settings(document: Any, settings: Settings) -> Any:
    """Return the JSON document with the values of the settings that it names."""
    match document:
        case dict():
            result = {key: insert_settings(value, settings) for key, value in document.items() if key != _KEYWORDS}
            for keyword, name in document.get(_KEYWORDS, {}).items():
                result["schema"][keyword] = getattr(settings, name)
            return result
        case list():
            return [insert_settings(value, settings) for value in document]
        case str():
            return _PLACEHOLDER.sub(lambda match: _format(match[1], getattr(settings, match[1])), document)
    return document


def _format(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{value >> 20:,} MiB" if value % (1 << 20) == 0 else f"{value:,} bytes"
    return f"{value:,} seconds" if name.endswith("_s") else f"{value:,}"
