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

    The cache is asked often and believed where it is newer. The registry is asked every `refresh_s` and always
    believed, in place of a copy of a higher generation too: that comes from before the store was restored. Threads that
    know no map wait for one read of it, and fail together if that fails.
    """

    def __init__(self, registry: BucketRegistry, cache: Cache, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._cache = cache
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._map: BucketMap | None = None
        #: Counts what was learned; an answer that others have overtaken takes nothing back.
        self._learned = 0
        self._knowing = threading.Lock()
        self._cache_asked_s = self._registry_asked_s = float("-inf")
        self._failure: StoreUnavailable | None = None  #: why the last look found no map
        self._failed_s = float("-inf")  #: when it ended

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
            if self._map is None and self._failure is not None and self._failed_s > now_s:
                raise StoreUnavailable(*self._failure.args) from self._failure
            return self._look(now_s)
        finally:
            self._lock.release()

    def refresh(self) -> BucketMap:
        """The registry's map, read now.

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
        """Make `new` the registry's map unless it is another than `old` by now.

        :raises StoreUnavailable: it may have been done.
        """
        learned_before = self._learned
        if not self._registry.replace(new, expected_generation=old.generation):
            return False
        self._know(new, learned_before)
        return True

    def _know(self, found: BucketMap, learned_before: int) -> None:
        """Take over what the registry answered to a question asked when `learned_before` was all that was known."""
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
            _log.info("bucket map not cached", action="map_not_cached", reason=str(e))
