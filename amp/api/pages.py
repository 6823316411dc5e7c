"""Cursors of lists: a place in the list, sealed for this list and this caller."""

from typing import Any, TypeVar

from amp.api.current import amp, principal
from amp.api.parameters import CURSOR
from amp.errors import BadCursor

Place = TypeVar("Place", str, int)


def position(kind: type[Place], bound_to: list[Any]) -> Place | None:
    """The place that the caller's cursor holds; None: the beginning.

    :raises BadCursor: it was made for another list or caller, or not by this service.
    """
    cursor = CURSOR.read()
    if cursor is None:
        return None
    place = amp().search.cursors.unseal(cursor, bound_to, principal())
    if not isinstance(place, kind):
        raise BadCursor
    return place


def next_cursor(place: str | int | None, bound_to: list[Any]) -> str | None:
    return None if place is None else amp().search.cursors.seal(place, bound_to, principal())
