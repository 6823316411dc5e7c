"""The cache of this installation alone: what another one, or a former life of this one, left there is not seen."""

import secrets
import threading

from amp.errors import AmpError, CacheUnavailable
from amp.ports.cache import Cache
from amp.ports.clock import Clock
from amp.ports.shared_values import SharedValues

_IDENTITY_BYTES = 16
#: After the store did not tell the identity, it is not asked again for so long.
_FAILURE_REMEMBERED_S = 1.0


class InstallationCache:
    """Every value carries the identity that the installation keeps in its store. Two installations may share one cache,
    or its keys: each finds nothing where the other has written last.
    """

    def __init__(self, cache: Cache, shared: SharedValues, clock: Clock) -> None:
        self._cache = cache
        self._shared = shared
        self._clock = clock
        self._lock = threading.Lock()
        self._identity: bytes | None = None
        self._failure = ""
        self._failed_s = float("-inf")

    def get(self, key: str) -> bytes | None:
        """:raises CacheUnavailable: the cache does not answer, or the store that knows the identity does not."""
        identity, value = self._own_identity(), self._cache.get(key)
        if value is None or value[:_IDENTITY_BYTES] != identity:
            return None
        return value[_IDENTITY_BYTES:]

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """:raises CacheUnavailable: the cache does not answer, or the store that knows the identity does not."""
        self._cache.put(key, self._own_identity() + value, ttl_s)

    def _own_identity(self) -> bytes:
        # Those who waited for the lock find what the first of them has read, or that it failed.
        with self._lock:
            if self._identity is None:
                if self._clock.monotonic_s() - self._failed_s < _FAILURE_REMEMBERED_S:
                    raise CacheUnavailable(self._failure)
                try:
                    self._identity = self._shared.get_or_put("installation", secrets.token_bytes(_IDENTITY_BYTES))
                except AmpError as e:
                    self._failure = f"the identity of the installation is unknown: {e.message}"
                    self._failed_s = self._clock.monotonic_s()
                    raise CacheUnavailable(self._failure) from e
            return self._identity
