"""The identity of an installation is read from the store once, however many threads want it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.errors import CacheUnavailable, StoreUnavailable
from amp.services.runtime.installation_cache import InstallationCache
from tests.support.clock import ManualClock


class Shared:
    """Answers once all threads have asked for the identity."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.reads = 0
        self.answered = threading.Event()

    def get_or_put(self, _name: str, value: bytes) -> bytes:
        self.reads += 1
        self.answered.wait(0.2)
        if self.down:
            raise StoreUnavailable
        return value


def test_threads_that_wait_for_the_identity_do_not_each_read_it() -> None:
    shared = Shared()
    cache = InstallationCache(MemoryCache(), shared, SystemClock())
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: cache.get("key"), range(8))) == [None] * 8
    assert shared.reads == 1


def test_threads_that_wait_for_a_store_that_hangs_fail_together() -> None:
    shared = Shared(down=True)
    cache = InstallationCache(MemoryCache(), shared, SystemClock())

    def is_unavailable(_: int) -> bool:
        try:
            cache.get("key")
        except CacheUnavailable:
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_unavailable, range(8)))
    assert shared.reads == 1


def test_a_store_that_does_not_answer_is_asked_again_after_a_moment() -> None:
    shared, clock = Shared(down=True), ManualClock()
    shared.answered.set()
    cache = InstallationCache(MemoryCache(), shared, clock)
    for _ in range(3):
        with pytest.raises(CacheUnavailable):
            cache.put("key", b"value", 60)
    assert shared.reads == 1
    shared.down = False
    clock.now_s += 1.5
    assert cache.get("key") is None
    assert shared.reads == 2
