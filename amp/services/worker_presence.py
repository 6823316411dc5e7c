"""Knows which kinds of workers run, in any process: each says so in the cache for as long as it runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from amp.errors import CacheUnavailable
from amp.ports.cache import Cache

_log = structlog.get_logger(__name__)
WORKER_KINDS = ("index", "relay", "bucket", "extract", "job")
#: A worker that was killed counts as running for this long.
_TTL_S = 15
_ANNOUNCED_EVERY_S = 5.0


class WorkerPresence:
    """The cache alone connects the processes: without it, nobody knows who runs."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def announced(self, kind: str, loop: Callable[[threading.Event], None]) -> Callable[[threading.Event], None]:
        """The loop of a worker, which is known to run for as long as it does."""

        def run(stop: threading.Event) -> None:
            with self._announcing(kind):
                loop(stop)

        return run

    def running(self) -> frozenset[str] | None:
        """The kinds of which at least one worker runs; None: unknown, as the cache does not answer."""
        try:
            return frozenset(kind for kind in WORKER_KINDS if self._cache.get(_key(kind)) is not None)
        except CacheUnavailable:
            return None

    def missing(self, *kinds: str) -> tuple[str, ...]:
        """Those of `kinds` that are known not to run."""
        running = self.running()
        return () if running is None else tuple(kind for kind in kinds if kind not in running)

    @contextmanager
    def _announcing(self, kind: str) -> Iterator[None]:
        done = threading.Event()

        def announce() -> None:
            while True:
                self._announce(kind)
                if done.wait(_ANNOUNCED_EVERY_S):
                    return

        announcer = threading.Thread(target=announce, name=f"presence-{kind}", daemon=True)
        announcer.start()
        try:
            yield
        finally:
            done.set()
            announcer.join()

    def _announce(self, kind: str) -> None:
        try:
            self._cache.put(_key(kind), b"runs", _TTL_S)
        except CacheUnavailable as e:
            _log.info("worker not announced", action="worker_not_announced", kind=kind, reason=str(e))
        except Exception as e:  # noqa: BLE001 - this thread ends only with the loop
            _log.warning("worker not announced", action="worker_not_announced", kind=kind, reason=repr(e))


def _key(kind: str) -> str:
    return f"worker:{kind}"
