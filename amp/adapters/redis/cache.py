"""The cache on Redis, which either answers quickly or fails quickly."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from amp.adapters.redis.connection import connect, translated
from amp.errors import CacheUnavailable
from amp.settings import Settings

#: Timeout of one command, in seconds. A healthy Redis answers in under a millisecond, and callers can work without it.
_TIMEOUT_S = 0.15
#: How long after a failure no command is sent, in seconds. Otherwise every caller would wait for the timeout in turn.
_COOL_OFF_S = 1.0


class RedisCache:
    """Connects on first use, so that it can be created before a process forks."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings, _TIMEOUT_S)
        self._prefix = settings.redis_prefix
        self._retry_at_s = 0.0

    def get(self, key: str) -> bytes | None:
        with self._available():
            value = self._client.get(self._key(key))
            assert value is None or isinstance(value, bytes)  # the client does not decode values by default
            return value

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with self._available():
            self._client.set(self._key(key), value, ex=ttl_s)

    def close(self) -> None:
        self._client.close()

    def _key(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    @contextmanager
    def _available(self) -> Iterator[None]:
        if time.monotonic() < self._retry_at_s:
            raise CacheUnavailable
        try:
            with translated():
                yield
        except CacheUnavailable:
            self._retry_at_s = time.monotonic() + _COOL_OFF_S
            raise
