"""The cache on Redis: quick to answer, quicker to say that it can't."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from amp.adapters.redis.connection import connect, translated
from amp.errors import CacheUnavailable
from amp.settings import Settings

#: A healthy Redis answers in under a millisecond; callers go on without rather than wait.
_TIMEOUT_S = 0.15
#: After a failure nobody asks for so long, else every caller would wait for the timeout in turn.
_COOL_OFF_S = 1.0


class RedisCache:
    """Connects on first use, so that it may be made before a process forks."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings, _TIMEOUT_S)
        self._prefix = settings.redis_prefix
        self._ask_again_s = 0.0

    def get(self, key: str) -> bytes | None:
        with self._asking():
            value = self._client.get(self._key(key))
            assert value is None or isinstance(value, bytes)  # the client decodes nothing unless told
            return value

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with self._asking():
            self._client.set(self._key(key), value, ex=ttl_s)

    def close(self) -> None:
        self._client.close()

    def _key(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if time.monotonic() < self._ask_again_s:
            raise CacheUnavailable
        try:
            with translated():
                yield
        except CacheUnavailable:
            self._ask_again_s = time.monotonic() + _COOL_OFF_S
            raise
