"""A shared cache: losing it, or old values from it, cost speed, never correctness."""

from typing import Protocol


class Cache(Protocol):
    def get(self, key: str) -> bytes | None:
        """The value, or None. May be old.

        :raises CacheUnavailable: quickly; callers go on without.
        """
        ...

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep the value for at most `ttl_s`.

        :raises CacheUnavailable: quickly; callers go on without.
        """
        ...
