"""Which bucket map a process believes: the registry's above all, the cache's only if it is this installation's."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.domain.buckets import Bucket, BucketMap, map_json
from amp.errors import CacheUnavailable, StoreUnavailable
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.runtime.installation_cache import InstallationCache
from tests.support.clock import ManualClock

_REFRESH_S = 4.0


def map_of(generation: int, index: str = "amp-1") -> BucketMap:
    return BucketMap(generation=generation, buckets=(Bucket(start_s=0, index=index, token=generation),))


class Registry:
    def __init__(self, now: BucketMap) -> None:
        self.now = now
        self.down = False

    def load(self) -> BucketMap | None:
        if self.down:
            raise StoreUnavailable("down")
        return self.now

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        if self.now.generation != expected_generation:
            return False
        self.now = new
        return True


class Shared:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.down = False

    def get_or_put(self, name: str, value: bytes) -> bytes:
        if self.down:
            raise StoreUnavailable("down")
        return self.values.setdefault(name, value)


def test_a_map_of_another_installation_in_the_cache_is_not_taken() -> None:
    redis, clock = MemoryCache(), ManualClock()
    InstallationCache(redis, Shared(), ManualClock()).put(
        "bucket-map", json.dumps(map_json(map_of(99, "theirs"))).encode(), 60
    )
    registry = Registry(map_of(3))
    maps = BucketMaps(registry, InstallationCache(redis, Shared(), ManualClock()), clock, _REFRESH_S)
    for _ in range(20):
        assert maps.current() == registry.now
        clock.now_s += 1


def test_what_the_registry_answers_replaces_a_map_of_a_higher_generation() -> None:
    clock, cache = ManualClock(), MemoryCache()
    cache.put("bucket-map", json.dumps(map_json(map_of(99))).encode(), 60)
    registry = Registry(map_of(3))
    maps = BucketMaps(registry, cache, clock, _REFRESH_S)
    registry.down = True
    assert maps.current().generation == 99
    registry.down = False
    assert maps.refresh() == registry.now
    for _ in range(20):
        assert maps.current() == registry.now
        clock.now_s += 1


def test_a_store_restored_to_an_earlier_map_is_believed() -> None:
    clock, registry = ManualClock(), Registry(map_of(9))
    maps = BucketMaps(registry, MemoryCache(), clock, _REFRESH_S)
    assert maps.current().generation == 9
    registry.now = map_of(4)
    clock.now_s += _REFRESH_S
    assert maps.current().generation == 4
    clock.now_s += _REFRESH_S / 2
    assert maps.current().generation == 4


def test_an_answer_overtaken_by_a_newer_map_takes_nothing_back() -> None:
    registry = Registry(map_of(3))
    maps = BucketMaps(registry, MemoryCache(), ManualClock(), _REFRESH_S)
    before = maps.current()

    class Slow(Registry):
        def load(self) -> BucketMap | None:
            maps._registry = registry
            assert maps.replace(map_of(4), before)
            return before

    maps._registry = Slow(before)
    assert maps.refresh() == before
    assert maps.current().generation == 4


def test_nothing_is_taken_from_a_cache_while_its_owner_is_unknown() -> None:
    redis, shared = MemoryCache(), Shared()
    mine = InstallationCache(redis, shared, ManualClock())
    mine.put("k", b"v", 60)
    assert (mine.get("k"), InstallationCache(redis, shared, ManualClock()).get("k")) == (b"v", b"v")
    shared.down = True
    assert mine.get("k") == b"v"
    with pytest.raises(CacheUnavailable):
        InstallationCache(redis, shared, ManualClock()).get("k")


def test_values_that_no_installation_marked_are_not_taken() -> None:
    redis = MemoryCache()
    redis.put("k", b"", 60)
    assert InstallationCache(redis, Shared(), ManualClock()).get("k") is None
    redis.put("k", b'{"generation": 99}', 60)
    assert InstallationCache(redis, Shared(), ManualClock()).get("k") is None


def test_threads_that_know_no_map_fail_together_while_the_store_hangs() -> None:
    asking = threading.Semaphore(0)

    class Asked(SystemClock):
        def monotonic_s(self) -> float:
            asking.release()
            return super().monotonic_s()

    class Hanging(Registry):
        reads = 0

        def load(self) -> BucketMap | None:
            self.reads += 1
            for _ in range(8):  # until all threads have asked what time it is, which is how a look begins
                assert asking.acquire(timeout=30)
            raise StoreUnavailable("down")

    registry = Hanging(map_of(3))
    maps = BucketMaps(registry, MemoryCache(), Asked(), _REFRESH_S)

    def is_unavailable(_: int) -> bool:
        try:
            maps.current()
        except StoreUnavailable as e:
            return e.message == "down"
        return False

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_unavailable, range(8)))
    assert registry.reads == 1
