"""Makes text from any source storable in every store."""

import re

#: What is wrong with text that no store can keep, as the end of a message.
CONTAINS_NUL = "contains U+0000, which is not allowed"
CONTAINS_SURROGATE = "contains an unpaired surrogate (U+D800–U+DFFF); use valid Unicode text"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
#: Maximum characters of a reason; the rest of a longer one says nothing new.
_MAX_REASON_CHARS = 2_000


def storable(text: str) -> str:
    """Return `text` with every NUL and unpaired surrogate replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_reason(text: str) -> str:
    """Return `storable` text, cut off after 2,000 characters."""
    return storable(text[:_MAX_REASON_CHARS])


def clipped(text: str, max_chars: int) -> str:
    """Return `text`; if it is longer than `max_chars`, its beginning and an ellipsis."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
