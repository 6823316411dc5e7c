"""A local copy of the bucket map, never far behind the registry."""

import json
import threading

import structlog

from amp.domain.buckets import BucketMap, map_from_json, map_json
from amp.errors import CacheUnavailable, NotMigrated, StoreUnavailable
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.cache import Cache
from amp.ports.clock import Clock

_log = structlog.get_logger(__name__)
_CACHE_KEY = "bucket-map"
_CACHE_TTL_S = 3600


class BucketMaps:
    """Provides the bucket map from a local copy. An old copy is harmless: the index refuses writers that use one, and
    they call `refresh`.

    The cache is read often, and its map is used if it is newer. The registry is read every `refresh_s`, and its map is
    always used, even in place of a higher generation, which is from before the store was restored. Threads without a
    map wait for one common read, and fail together if it fails.
    """

    def __init__(self, registry: BucketRegistry, cache: Cache, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._cache = cache
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._map: BucketMap | None = None
        #: Number of maps learned. An answer that was overtaken by another one is ignored.
        self._learned = 0
        self._knowing = threading.Lock()
        self._cache_asked_s = self._registry_asked_s = float("-inf")
        self._failure: StoreUnavailable | None = None  #: why the last read found no map
        self._failed_s = float("-inf")  #: when the last read ended

    def current(self) -> BucketMap:
        """Return the local copy. A newer one is read first if the last read is too long ago.

        :raises NotMigrated: there is no map yet.
        :raises StoreUnavailable: neither the registry nor the cache has returned a map.
        """
        known, now_s = self._map, self._clock.monotonic_s()
        if known is not None and now_s - self._cache_asked_s < self._refresh_s / 4:
            return known
        if not self._lock.acquire(blocking=known is None):
            return known  # type: ignore[return-value]  # only a known map makes acquire non-blocking
        try:
            if self._map is None and self._failure is not None and self._failed_s > now_s:
                raise StoreUnavailable(*self._failure.args) from self._failure
            return self._look(now_s)
        finally:
            self._lock.release()

    def refresh(self) -> BucketMap:
        """Read the map from the registry.

        :raises NotMigrated: there is no map yet.
        :raises StoreUnavailable: the registry does not answer.
        """
        learned_before = self._learned
        found = self._registry.load()
        if found is None:
            raise NotMigrated("there is no bucket map yet: run `amp migrate`")
        self._know(found, learned_before)
        self._registry_asked_s = self._cache_asked_s = self._clock.monotonic_s()
        return found

    def replace(self, new: BucketMap, old: BucketMap) -> bool:
        """Replace the registry's map by `new` if it still is `old`. Return whether it was replaced.

        :raises StoreUnavailable: it may have been replaced.
        """
        learned_before = self._learned
        if not self._registry.replace(new, expected_generation=old.generation):
            return False
        self._know(new, learned_before)
        return True

    def _know(self, found: BucketMap, learned_before: int) -> None:
        """Use a map that the registry returned, unless another one was read since `learned_before`."""
        if self._learn(found, learned_before):
            self._put_into_cache(found)

    def _learn(self, found: BucketMap, learned_before: int) -> bool:
        with self._knowing:
            known = self._map
            if known is not None and found.generation < known.generation and self._learned != learned_before:
                return False
            self._learned += 1
            self._map = found
            return found != known

    def _look(self, now_s: float) -> BucketMap:
        if self._map is not None and now_s - self._registry_asked_s < self._refresh_s:
            self._cache_asked_s = now_s
            return self._newer_from_cache() or self._map
        try:
            return self.refresh()
        except StoreUnavailable as e:
            known = self._newer_from_cache() or self._map
            if known is None:
                self._failure, self._failed_s = e, self._clock.monotonic_s()
                raise
            self._cache_asked_s = now_s
            return known

    def _newer_from_cache(self) -> BucketMap | None:
        try:
            cached = self._cache.get(_CACHE_KEY)
            found = map_from_json(json.loads(cached)) if cached else None
        except CacheUnavailable:
            return None
        except (ValueError, KeyError, TypeError) as e:
            _log.warning("unreadable bucket map in the cache", action="cached_map_unreadable", reason=repr(e))
            return None
        with self._knowing:
            if found is None or (self._map is not None and found.generation <= self._map.generation):
                return None
            self._learned += 1
            self._map = found
            return found

    def _put_into_cache(self, found: BucketMap) -> None:
        try:
            self._cache.put(_CACHE_KEY, json.dumps(map_json(found)).encode(), _CACHE_TTL_S)
        except CacheUnavailable as e:
            _log.info("could not cache bucket map", action="map_not_cached", reason=str(e))
