"""Dead letters as stores keep them, and their places in lists."""

import re
from dataclasses import replace
from uuid import UUID

from amp.domain.dead_letters import DeadLetter
from amp.domain.storable_text import storable, storable_reason
from amp.errors import BadCursor

#: Of a longer stack trace the end, where it says what went wrong.
_MOST_DETAIL = 20_000
_PLACE = re.compile(r"([0-9]{1,18})-([0-9a-f]{32})")


def storable_dead_letter(dead_letter: DeadLetter) -> DeadLetter:
    return replace(
        dead_letter, reason=storable_reason(dead_letter.reason), detail=storable(dead_letter.detail[-_MOST_DETAIL:])
    )


def position_after(dead_letter: DeadLetter) -> str:
    return f"{dead_letter.first_ms}-{dead_letter.id.hex}"


def place_in(position: str) -> tuple[int, UUID]:
    """Time and id of the letter that `position` stands after.

    :raises BadCursor: it stands after none.
    """
    found = _PLACE.fullmatch(position)
    if found is None:
        raise BadCursor("the position is not one of this list")
    return int(found[1]), UUID(hex=found[2])
