"""Leases: one process at a time takes care of something. They save work; correctness never rests on them."""

from typing import Protocol


class Leases(Protocol):
    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        """True: `holder` has it for `ttl_s` from now, newly or still; False: somebody else has.

        :raises StoreUnavailable: it is unknown who has it.
        """
        ...

    def release(self, name: str, holder: str) -> None:
        """Give it up before its time; nothing if somebody else has it.

        :raises StoreUnavailable: it ends by itself.
        """
        ...
