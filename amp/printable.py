"""Text from data as a terminal may display it: nothing in it moves the cursor, hides, reorders or forges lines."""

import re

#: Control characters (C0, DEL, C1), line and paragraph separators, marks that reorder text, and lone surrogates.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ANYWHERE = re.compile(f"[{_UNPRINTABLE}]")
_IN_LINES = re.compile(f"(?!\n)[{_UNPRINTABLE}]")


def is_printable(text: str) -> bool:
    return _ANYWHERE.search(text) is None


def printable(text: str) -> str:
    """`text` on one line, as `a\\x1b[2Jb\\nc`. What is printable in it stays as it is."""
    return _ANYWHERE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """`text` with its line ends kept."""
    return _IN_LINES.sub(_escaped, text)


def printable_json(text: str) -> str:
    """JSON text with what a terminal would obey, or no encoding carries, written as `\\u` escapes: the same value."""
    return _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1] if found[0] in "\t\r\n" or not found[0].isprintable() else f"\\u{ord(found[0]):04x}"
