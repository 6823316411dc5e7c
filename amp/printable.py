"""Makes text from data safe to display in a terminal: it cannot move the cursor, nor hide, reorder or forge lines."""

import re

#: Control characters (C0, DEL, C1), line and paragraph separators, marks that reorder text, and unpaired surrogates.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ANYWHERE = re.compile(f"[{_UNPRINTABLE}]")
_IN_LINES = re.compile(f"(?!\n)[{_UNPRINTABLE}]")


def is_printable(text: str) -> bool:
    """Return whether `text` contains none of these characters."""
    return _ANYWHERE.search(text) is None


def printable(text: str) -> str:
    """Return `text` on one line, such as `a\\x1b[2Jb\\nc`. Printable characters do not change."""
    return _ANYWHERE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Return `text` escaped in the same way, except for its line breaks."""
    return _IN_LINES.sub(_escaped, text)


def printable_json(text: str) -> str:
    """Return JSON text of the same value in which unprintable characters and unpaired surrogates are `\\u` escapes."""
    return _IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escaped(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1] if match[0] in "\t\r\n" or not match[0].isprintable() else f"\\u{ord(match[0]):04x}"
