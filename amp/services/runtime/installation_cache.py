"""The cache of this installation. Values of another one, or of an earlier one in the same place, are ignored."""

import secrets
import threading

from amp.errors import AmpError, CacheUnavailable
from amp.ports.cache import Cache
from amp.ports.clock import Clock
from amp.ports.shared_values import SharedValues

_IDENTITY_BYTES = 16
#: Pause before the identity is read again after a failure, in seconds.
_FAILURE_REMEMBERED_S = 1.0


class InstallationCache:
    """A cache that returns only values of this installation. Every value carries the identity that the installation
    keeps in its store. Two installations may share a cache and its keys: each finds nothing where the other one has
    written last.
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
        # Threads that waited for the lock use what the first of them has read, or its failure.
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
