"""Dead letters in the form that stores keep, and their positions in lists."""

import re
from dataclasses import replace
from uuid import UUID

from amp.domain.dead_letters import DeadLetter
from amp.domain.storable_text import storable, storable_reason
from amp.errors import BadCursor

#: Maximum characters of a stack trace. Of a longer one the end is kept, which says what went wrong.
_MAX_DETAIL_CHARS = 20_000
_POSITION = re.compile(r"([0-9]{1,18})-([0-9a-f]{32})")


def storable_dead_letter(dead_letter: DeadLetter) -> DeadLetter:
    """Return the dead letter with a reason and a detail that every store can keep."""
    return replace(
        dead_letter,
        reason=storable_reason(dead_letter.reason),
        detail=storable(dead_letter.detail[-_MAX_DETAIL_CHARS:]),
    )


def position_after(dead_letter: DeadLetter) -> str:
    """Return the position after this dead letter in a list."""
    return f"{dead_letter.first_ms}-{dead_letter.id.hex}"


def place_in(position: str) -> tuple[int, UUID]:
    """Return `first_ms` and the id of the dead letter that `position` follows.

    :raises BadCursor: `position` was not returned by `position_after`.
    """
    match = _POSITION.fullmatch(position)
    if match is None:
        raise BadCursor("the position does not belong to this list; use one that a page of it returned")
    return int(match[1]), UUID(hex=match[2])
