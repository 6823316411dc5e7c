"""Metrics are shown as they are counted, and a queue that does not answer does not hide the others."""

import pytest

from amp.errors import QueueUnavailable
from amp.metrics import Metrics


def test_lag_is_asked_at_each_look() -> None:
    metrics, waiting = Metrics(), [7]
    metrics.watch_lag(lambda: waiting[0])
    assert b"amp_queue_lag 7.0" in metrics.expose()
    waiting[0] = 0
    assert b"amp_queue_lag 0.0" in metrics.expose()


def test_a_queue_that_does_not_answer_leaves_the_other_metrics_readable() -> None:
    def unavailable() -> int:
        raise QueueUnavailable

    metrics = Metrics()
    metrics.watch_lag(unavailable)
    metrics.dead_letters.inc()
    shown = metrics.expose()
    assert b"amp_queue_lag NaN" in shown
    assert b"amp_dead_letters_total 1.0" in shown


def test_processes_that_share_their_metrics_leave_the_lag_to_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    metrics = Metrics()
    metrics.watch_lag(lambda: 7)
    assert "amp_queue_lag" not in metrics.registry._names_to_collectors
