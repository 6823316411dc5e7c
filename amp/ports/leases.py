"""Leases assign a task to one process at a time. They save work; correctness never depends on them."""

from typing import Protocol


class Leases(Protocol):
    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        """Give the lease to `holder` for `ttl_s` seconds from now, or extend it. Return False, and change nothing, if
        another holder has it.

        :raises StoreUnavailable: it is unknown which holder has the lease.
        """
        ...

    def release(self, name: str, holder: str) -> None:
        """End the lease before it expires. Do nothing if another holder has it.

        :raises StoreUnavailable: the lease may remain until it expires.
        """
        ...
