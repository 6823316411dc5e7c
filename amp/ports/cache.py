"""A shared cache. A lost or outdated value costs speed, never correctness."""

from typing import Protocol


class Cache(Protocol):
    def get(self, key: str) -> bytes | None:
        """Return the value, which may be outdated; None if there is none.

        :raises CacheUnavailable: the cache does not answer; raised quickly, so that the work continues without it.
        """
        ...

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep the value for at most `ttl_s` seconds.

        :raises CacheUnavailable: the cache does not answer; raised quickly, so that the work continues without it.
        """
        ...
