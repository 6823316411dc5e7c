"""The bucket map as a process knows it: a local copy, never far behind the registry."""

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
    """Old copies are harmless: the index refuses writers that use one, and they come to `refresh`.

    The cache is asked often and believed only where it is newer; the registry is asked every `refresh_s`.
    """

    def __init__(self, registry: BucketRegistry, cache: Cache, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._cache = cache
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._map: BucketMap | None = None
        self._cache_asked_s = self._registry_asked_s = float("-inf")

    def current(self) -> BucketMap:
        """The local copy, after a look for a newer one if the last look is too long ago.

        :raises NotMigrated: there is no map yet.
        :raises StoreUnavailable: nobody who knows a map answers.
        """
        known, now_s = self._map, self._clock.monotonic_s()
        if known is not None and now_s - self._cache_asked_s < self._refresh_s / 4:
            return known
        if not self._lock.acquire(blocking=known is None):
            return known  # type: ignore[return-value]  # only a known map makes acquire non-blocking
        try:
            return self._look(now_s)
        finally:
            self._lock.release()

    def refresh(self) -> BucketMap:
        """The registry's map, read now.

        :raises NotMigrated: there is no map yet.
        :raises StoreUnavailable: the registry does not answer.
        """
        found = self._registry.load()
        if found is None:
            raise NotMigrated("there is no bucket map yet: run `amp migrate`")
        self._know(found)
        self._registry_asked_s = self._cache_asked_s = self._clock.monotonic_s()
        return found

    def replace(self, new: BucketMap, old: BucketMap) -> bool:
        """Make `new` the registry's map unless it is another than `old` by now.

        :raises StoreUnavailable: it may have been done.
        """
        if not self._registry.replace(new, expected_generation=old.generation):
            return False
        self._know(new)
        return True

    def _know(self, found: BucketMap) -> None:
        if self._map is None or found.generation > self._map.generation:
            self._map = found
            self._put_into_cache(found)

    def _look(self, now_s: float) -> BucketMap:
        if self._map is not None and now_s - self._registry_asked_s < self._refresh_s:
            self._cache_asked_s = now_s
            return self._newer_from_cache() or self._map
        try:
            return self.refresh()
        except StoreUnavailable:
            known = self._newer_from_cache() or self._map
            if known is None:
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
        if found is None or (self._map is not None and found.generation <= self._map.generation):
            return None
        self._map = found
        return found

    def _put_into_cache(self, found: BucketMap) -> None:
        try:
            self._cache.put(_CACHE_KEY, json.dumps(map_json(found)).encode(), _CACHE_TTL_S)
        except CacheUnavailable as e:
            _log.info("bucket map not cached", action="map_not_cached", reason=str(e))
