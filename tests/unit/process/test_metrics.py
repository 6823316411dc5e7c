"""Metrics are shown as they are counted, and a queue that does not answer does not hide the others."""

import pytest
from prometheus_client import generate_latest

from amp.errors import QueueUnavailable, SearchUnavailable
from amp.metrics import Metrics
from amp.ports.metrics import BucketFigures, MapFigures


def test_lag_is_asked_at_each_look() -> None:
    metrics, live, retry = Metrics(), [7], [3]
    metrics.watch_lag(lambda: live[0], lambda: retry[0])
    assert b"amp_queue_lag 7.0" in metrics.expose()
    assert b"amp_retry_lag 3.0" in metrics.expose()
    live[0], retry[0] = 0, 5
    assert b"amp_queue_lag 0.0" in metrics.expose()
    assert b"amp_retry_lag 5.0" in metrics.expose()


@pytest.mark.parametrize("error", [QueueUnavailable(), RuntimeError("broken")])
def test_a_queue_that_does_not_answer_leaves_the_other_metrics_readable(error: Exception) -> None:
    def unavailable() -> int:
        raise error

    metrics = Metrics()
    metrics.watch_lag(unavailable, lambda: 3)
    metrics.dead_letter_stored()
    shown = metrics.expose()
    assert b"amp_queue_lag NaN" in shown
    assert b"amp_retry_lag 3.0" in shown
    assert b"amp_dead_letters_total 1.0" in shown


def test_buckets_are_looked_at_each_time_and_gone_ones_shown_no_more() -> None:
    metrics = Metrics()
    looks = [
        MapFigures([BucketFigures("1970", 5, 500), BucketFigures("2020", 7, 700)], ("merge", "dual")),
        MapFigures([BucketFigures("1970", 12, 1200)], None),
    ]
    metrics.watch_buckets(lambda: looks.pop(0))
    first, second = metrics.expose(), metrics.expose()
    assert b"amp_buckets 2.0" in first
    assert b'amp_bucket_bytes{bucket="2020"} 700.0' in first
    assert b'amp_move_phase{kind="merge",phase="dual"} 1.0' in first
    assert b'amp_bucket_documents{bucket="1970"} 12.0' in second
    assert b"2020" not in second
    assert b"amp_move_phase{" not in second


@pytest.mark.parametrize("error", [SearchUnavailable(), RuntimeError("broken")])
def test_a_silent_search_index_leaves_the_other_metrics_readable(error: Exception) -> None:
    def unavailable() -> MapFigures:
        raise error

    metrics = Metrics()
    metrics.watch_buckets(unavailable)
    shown = metrics.expose()
    assert b"amp_bucket_documents" not in shown
    assert b"amp_dead_letters_total 0.0" in shown


def test_processes_with_shared_metrics_leave_lag_and_buckets_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    metrics = Metrics()
    before = generate_latest(metrics.registry)
    metrics.watch_lag(lambda: 7, lambda: 7)
    metrics.watch_buckets(lambda: MapFigures([], None))
    assert generate_latest(metrics.registry) == before
