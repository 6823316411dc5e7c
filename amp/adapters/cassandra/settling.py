"""Settles a single conditional write if its answer was lost."""

from collections.abc import Callable

from amp.errors import StoreUnavailable

#: Maximum number of times that a conditional write is sent.
_ATTEMPTS = 3


def settle(send: Callable[[], bool], read_state: Callable[[], bool | None]) -> bool:
    """Execute a conditional write and return whether it took effect. It must be safe to send it twice.

    :param send: sends the write and returns whether it was applied.
    :param read_state: called unless `send` returns True. By a serial read, it returns whether the write took effect
        (True), cannot take effect any more (False), or may still take effect (None); then it is sent again. It is
        called after a refusal too: a server that has lost track of its own write refuses its own second attempt.
    :raises StoreUnavailable: the outcome could not be settled.
    """
    failure = StoreUnavailable("too many concurrent writes of the same row; try again")
    for _ in range(_ATTEMPTS):
        try:
            if send():
                return True
        except StoreUnavailable as e:
            failure = e
        if (took_effect := read_state()) is not None:
            return took_effect
    raise failure
