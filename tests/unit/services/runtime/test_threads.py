"""A background thread that fails is started again, counted and reported until it has recovered."""

import threading

from prometheus_client import CollectorRegistry

from amp.metrics import Metrics
from amp.services.runtime.retry import Backoff
from amp.services.runtime.threads import BackgroundThreads
from tests.support.clock import ManualClock
from tests.support.stack.waiting import wait_until

DEADLINE_S = 30
AT_ONCE = Backoff(first_s=0.001, max_s=0.001)


def background(clock: ManualClock | None = None) -> tuple[BackgroundThreads, Metrics]:
    metrics = Metrics(CollectorRegistry())
    return BackgroundThreads(clock=clock or ManualClock(), metrics=metrics), metrics


def test_a_loop_that_raises_is_started_again_and_counted() -> None:
    threads, metrics = background()
    stop, runs = threading.Event(), []

    def loop(stopped: threading.Event) -> None:
        runs.append(len(runs))
        if len(runs) < 4:
            raise RuntimeError("broken")
        stopped.set()

    threads.start("test", loop, stop, restarts=AT_ONCE).join(DEADLINE_S)
    assert len(runs) == 4
    assert metrics.registry.get_sample_value("amp_thread_failures_total", {"thread": "test"}) == 3


def test_a_pause_after_a_failure_ends_when_stopped() -> None:
    threads, _ = background()
    stop, failed = threading.Event(), threading.Event()

    def loop(_: threading.Event) -> None:
        failed.set()
        raise RuntimeError("broken")

    thread = threads.start("test", loop, stop, restarts=Backoff(first_s=1_000.0, max_s=1_000.0))
    assert failed.wait(DEADLINE_S)
    stop.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_a_failing_thread_is_unhealthy_until_it_ran_for_a_minute() -> None:
    clock = ManualClock()
    threads, _ = background(clock)
    stop, runs = threading.Event(), []

    def loop(stopped: threading.Event) -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise RuntimeError("broken")
        stopped.wait(DEADLINE_S)

    threads.start("one", loop, stop, restarts=AT_ONCE)
    wait_until(lambda: len(runs) == 2, DEADLINE_S, "the thread", 0.002)
    (state,) = threads.states()
    assert (state.name, state.failures, state.healthy) == ("one", 1, False)
    assert state.reason == "RuntimeError('broken')"
    clock.now_s += 61
    assert threads.states()[0].healthy
    stop.set()


def test_a_loop_that_has_ended_is_no_longer_listed() -> None:
    threads, _ = background()
    threads.start("one", lambda _: None, threading.Event()).join(DEADLINE_S)
    wait_until(lambda: threads.states() == [], DEADLINE_S, "the thread", 0.002)
