"""Single conditional writes, and how they are settled when the answer gets lost."""

from collections.abc import Callable

from amp.errors import StoreUnavailable

#: How often a condition is sent, at most.
_ATTEMPTS = 3


def settled(send: Callable[[], bool], look: Callable[[], bool | None]) -> bool:
    """Whether a conditional write took place.

    `send` tells whether it was applied. Unless it says so, `look` reads, serially, whether the write is there (True),
    can't be any more (False), or could still be (None: it is sent again, so it must be safe to send twice). A refusal
    is looked into too: a server that lost sight of its own write refuses its second try.

    :raises StoreUnavailable: neither gets an answer.
    """
    failure = StoreUnavailable("too many change the same")
    for _ in range(_ATTEMPTS):
        try:
            if send():
                return True
        except StoreUnavailable as e:
            failure = e
        if (found := look()) is not None:
            return found
    raise failure
