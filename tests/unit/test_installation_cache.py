"""The identity of an installation is read from the store once, however many threads want it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from amp.adapters.embedded.cache import MemoryCache
from amp.services.installation_cache import InstallationCache


class Shared:
    """Answers once all threads have asked for the identity."""

    def __init__(self) -> None:
        self.reads = 0
        self.answered = threading.Event()

    def get_or_put(self, _name: str, value: bytes) -> bytes:
        self.reads += 1
        self.answered.wait(0.2)
        return value


def test_threads_that_wait_for_the_identity_do_not_each_read_it() -> None:
    shared = Shared()
    cache = InstallationCache(MemoryCache(), shared)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: cache.get("key"), range(8))) == [None] * 8
    assert shared.reads == 1
