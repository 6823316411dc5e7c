"""Which kinds of workers are known to run, and which jobs wait for one."""

import threading

import pytest
from structlog.testing import capture_logs

from amp.adapters.embedded.cache import MemoryCache
from amp.domain.worker_kinds import WorkerKind
from amp.errors import CacheUnavailable
from amp.services.runtime.presence import WorkerPresence
from amp.services.runtime.retry import Backoff
from tests.support.background import background_threads
from tests.support.stack.waiting import wait_until


class DownCache:
    def get(self, key: str) -> bytes | None:
        raise CacheUnavailable(key)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:  # noqa: ARG002
        raise CacheUnavailable(key)


def test_a_kind_runs_while_the_loop_of_a_worker_does() -> None:
    cache, stop = MemoryCache(), threading.Event()
    here, elsewhere = (
        WorkerPresence(cache=cache, background=background_threads()),
        WorkerPresence(cache=cache, background=background_threads()),
    )
    assert elsewhere.missing(*WorkerKind) == tuple(WorkerKind)
    worker = threading.Thread(target=here.announced("index", threading.Event.wait), args=(stop,))
    worker.start()
    try:
        wait_until(lambda: elsewhere.running() == {"index"}, 10, "the worker to be known")
    finally:
        stop.set()
        worker.join()
    assert elsewhere.missing("index", "job") == ("job",)


def test_a_worker_that_was_killed_is_missing_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amp.services.runtime.presence._TTL_S", 0.5)
    presence, stop = WorkerPresence(cache=MemoryCache(), background=background_threads()), threading.Event()
    worker = threading.Thread(target=presence.announced("job", threading.Event.wait), args=(stop,))
    worker.start()
    try:
        wait_until(lambda: presence.running() == {"job"}, 10, "the worker to be known")
    finally:
        stop.set()
        worker.join()
    wait_until(lambda: presence.missing("job") == ("job",), 10, "the worker to be missing")


def test_without_the_cache_no_worker_is_called_missing_and_workers_work() -> None:
    presence, stop = WorkerPresence(cache=DownCache(), background=background_threads()), threading.Event()
    stop.set()
    assert presence.missing(*WorkerKind) == ()
    worked: list[bool] = []
    presence.announced("job", lambda event: worked.append(event.is_set()))(stop)
    assert worked == [True]


def test_a_presence_that_the_cache_refuses_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amp.services.runtime.presence._EVERY_S", 0.001)
    monkeypatch.setattr("amp.services.runtime.presence._BACKOFF", Backoff(first_s=0.001, max_s=0.001))
    tried = threading.Semaphore(0)

    class Counting(DownCache):
        def put(self, key: str, value: bytes, ttl_s: int) -> None:
            tried.release()
            super().put(key, value, ttl_s)

    presence = WorkerPresence(cache=Counting(), background=background_threads())

    def loop(_: threading.Event) -> None:
        for _attempt in range(5):
            assert tried.acquire(timeout=10)

    with capture_logs() as logs:
        presence.announced("job", loop)(threading.Event())
    assert [(line["action"], line["log_level"]) for line in logs] == [("presence_not_announced", "info")]
