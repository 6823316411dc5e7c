"""Text from anywhere, made fit for every store."""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
#: The rest of a longer reason says nothing new.
_MOST_REASON = 2_000


def storable(text: str) -> str:
    """With U+FFFD for every NUL and lone surrogate."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_reason(text: str) -> str:
    """`storable`, and cut off where it gets too long."""
    return storable(text[:_MOST_REASON])


def clipped(text: str, max_chars: int) -> str:
    """`text`, or its beginning with an ellipsis for the rest."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
