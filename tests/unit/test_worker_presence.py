"""Which kinds of workers are known to run, and which jobs wait for one."""

import threading

import pytest

from amp.adapters.embedded.cache import MemoryCache
from amp.errors import CacheUnavailable
from amp.services import worker_presence
from amp.services.worker_presence import WORKER_KINDS, WorkerPresence
from tests.background import background_threads
from tests.stack.waiting import wait_until


class DownCache:
    def get(self, key: str) -> bytes | None:
        raise CacheUnavailable(key)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:  # noqa: ARG002
        raise CacheUnavailable(key)


def test_a_kind_runs_while_the_loop_of_a_worker_does() -> None:
    cache, stop = MemoryCache(), threading.Event()
    here, elsewhere = WorkerPresence(cache, background_threads()), WorkerPresence(cache, background_threads())
    assert elsewhere.missing(*WORKER_KINDS) == WORKER_KINDS
    worker = threading.Thread(target=here.announced("index", threading.Event.wait), args=(stop,))
    worker.start()
    try:
        wait_until(lambda: elsewhere.running() == {"index"}, 10, "the worker to be known")
    finally:
        stop.set()
        worker.join()
    assert elsewhere.missing("index", "job") == ("job",)


def test_a_worker_that_was_killed_is_missing_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_presence, "_TTL_S", 0.5)
    presence, stop = WorkerPresence(MemoryCache(), background_threads()), threading.Event()
    worker = threading.Thread(target=presence.announced("job", threading.Event.wait), args=(stop,))
    worker.start()
    try:
        wait_until(lambda: presence.running() == {"job"}, 10, "the worker to be known")
    finally:
        stop.set()
        worker.join()
    wait_until(lambda: presence.missing("job") == ("job",), 10, "the worker to be missing")


def test_without_the_cache_no_worker_is_called_missing_and_workers_work() -> None:
    presence, stop = WorkerPresence(DownCache(), background_threads()), threading.Event()
    stop.set()
    assert presence.missing(*WORKER_KINDS) == ()
    worked: list[bool] = []
    presence.announced("job", lambda event: worked.append(event.is_set()))(stop)
    assert worked == [True]
