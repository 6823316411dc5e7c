"""Reads and creates the cursors of lists. A cursor is a position, signed for one list and one principal."""

from typing import Any, TypeVar

from amp.api.current import amp, principal
from amp.api.parameters import CURSOR
from amp.errors import BadCursor

Position = TypeVar("Position", str, int)


def read_position(kind: type[Position], bound_to: list[Any]) -> Position | None:
    """Return the position in the cursor of the request; None: the beginning.

    :raises BadCursor: the cursor is for another list or principal, or this installation did not create it.
    """
    cursor = CURSOR.read()
    if cursor is None:
        return None
    position = amp().search.cursors.unseal(cursor, bound_to, principal())
    if not isinstance(position, kind):
        raise BadCursor
    return position


def next_cursor(position: str | int | None, bound_to: list[Any]) -> str | None:
    """Return a cursor for the position after a page; None after the last page, where the position is None."""
    return None if position is None else amp().search.cursors.seal(position, bound_to, principal())
