"""All metrics of AMP, in one place: name, unit and meaning."""

import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from amp.errors import AmpError
from amp.ports.metrics import MapFigures

_log = structlog.get_logger(__name__)
#: The variable with the folder in which processes share their metrics; the client library reads it.
_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Histogram buckets of the time that writers of a range wait, in seconds: the target is half a second, and an attempt
#: ends after five.
_HOLD_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


def share_metrics(folder: Path) -> None:
    """Add up in `folder` what this process and its children count from now on. Call it before creating `Metrics`."""
    os.environ[_SHARED_FOLDER] = str(folder)
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # has no types


def forget_process(pid: int) -> None:
    """Record that a child that shared its metrics has ended. What it counted is kept."""
    if _SHARED_FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # has no types


class Metrics:
    """The metrics of one process, with the names that `/metrics` uses. Implements every protocol of
    `amp.ports.metrics`.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.requests = Counter(
            "amp_http_requests",
            "HTTP requests answered, by route, method and status",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "amp_http_request_seconds",
            "Time to answer an HTTP request, in seconds",
            ["route", "method"],
            registry=self.registry,
        )
        self._changes_indexed = Counter(
            "amp_events_indexed",
            "Change messages of live traffic whose changes are in the index; deferred ones count once indexed",
            registry=self.registry,
        )
        self._dead_letters = Counter(
            "amp_dead_letters", "Messages that became dead letters because no retry can succeed", registry=self.registry
        )
        self._job_assets = Counter(
            "amp_job_assets",
            "Assets processed by jobs, by kind of job and outcome; an asset processed again counts again",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self._intents_relayed = Counter(
            "amp_intents_relayed",
            "Change messages that the relay published in place of their writer",
            registry=self.registry,
        )
        self._versions_dropped = Counter(
            "amp_versions_dropped",
            "Versions removed from the store because newer ones exceed the number kept",
            registry=self.registry,
        )
        self._thread_failures = Counter(
            "amp_thread_failures",
            "Unexpected errors of background threads; each thread is restarted after a pause",
            ["thread"],
            registry=self.registry,
        )
        self._consumer_stopped = Gauge(
            "amp_consumer_stopped",
            "1 while a worker consumes nothing because too many messages would become dead letters",
            ["group"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._count_moves()

    def _count_moves(self) -> None:
        self._documents_moved = Counter("amp_move_documents", "Documents copied by moves", registry=self.registry)
        self._hold_seconds = Histogram(
            "amp_move_hold_seconds",
            "Time for which indexing of a moving range waited for the switch, in seconds",
            buckets=_HOLD_BUCKETS_S,
            registry=self.registry,
        )
        self.bucket_findings = Gauge(
            "amp_bucket_findings",
            "Differences between bucket map and search index at the last check, repaired or not",
            registry=self.registry,
            multiprocess_mode="livemax",
        )

    def thread_failed(self, thread: str) -> None:
        self._thread_failures.labels(thread).inc()

    def dead_letter_stored(self) -> None:
        self._dead_letters.inc()

    def consumer_stopped(self, group: str, stopped: bool) -> None:
        self._consumer_stopped.labels(group).set(int(stopped))

    def assets_processed(self, kind: str, outcome: str, count: int) -> None:
        self._job_assets.labels(kind, outcome).inc(count)

    def version_dropped(self) -> None:
        self._versions_dropped.inc()

    def intents_relayed(self, count: int) -> None:
        self._intents_relayed.inc(count)

    def changes_indexed(self, count: int) -> None:
        self._changes_indexed.inc(count)

    def documents_moved(self, count: int) -> None:
        self._documents_moved.inc(count)

    def writers_held(self, duration_s: float) -> None:
        self._hold_seconds.observe(duration_s)

    def watch_buckets(self, read_figures: Callable[[], MapFigures]) -> None:
        """Expose the figures that `read_figures` returns at each scrape, or none if it fails. If processes share their
        metrics, nothing is exposed, as with the lag.
        """
        if _SHARED_FOLDER not in os.environ:
            self.registry.register(_BucketCollector(read_figures))

    def watch_lag(self, live: Callable[[], int], retry: Callable[[], int]) -> None:
        """Expose what both functions return at each scrape, NaN if one fails. If processes share their metrics, nothing
        is exposed: the lag is the same for all of them, and the workers expose it.

        :param live: returns the number of changes of live traffic that no index worker has committed yet.
        :param retry: returns the number of changes that wait for a bucket that refuses writes.
        """
        if _SHARED_FOLDER in os.environ:
            return
        for name, meaning, lag in (
            ("amp_queue_lag", "Changes of live traffic that are not indexed yet", live),
            ("amp_retry_lag", "Changes that wait for a bucket that refuses writes", retry),
        ):
            gauge = Gauge(name, meaning, registry=self.registry)
            gauge.set_function(partial(_value, lag))

    def serve(self, host: str, port: int) -> None:
        """Serve `http://host:port/metrics` from a separate thread until the process ends.

        :raises OSError: the address cannot be used.
        """
        start_http_server(port, addr=host, registry=self.registry)

    def expose(self) -> bytes:
        """Return the metrics in the text format of Prometheus, added up over all processes that share theirs."""
        if _SHARED_FOLDER not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it registers itself
        return generate_latest(registry)


def _value(lag: Callable[[], int]) -> float:
    try:
        return lag()
    except AmpError:
        return math.nan
    except Exception:  # noqa: BLE001 - one figure that cannot be read must not hide the others
        _log.exception("could not read lag", action="lag_unreadable")
        return math.nan


class _BucketCollector(Collector):
    """Creates its metrics again at each scrape, so that buckets that no longer exist disappear."""

    def __init__(self, read_figures: Callable[[], MapFigures]) -> None:
        self._read_figures = read_figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            figures = self._read_figures()
        except AmpError:
            return
        except Exception:  # noqa: BLE001 - as in `_value`
            _log.exception("could not read bucket figures", action="bucket_figures_unreadable")
            return
        documents = GaugeMetricFamily("amp_bucket_documents", "Documents that are not deleted", labels=["bucket"])
        size = GaugeMetricFamily("amp_bucket_bytes", "Size of the primary shards, in bytes", labels=["bucket"])
        for bucket in figures.buckets:
            documents.add_metric([bucket.name], bucket.documents)
            size.add_metric([bucket.name], bucket.bytes)
        phase = GaugeMetricFamily("amp_move_phase", "1 for the move in progress", labels=["kind", "phase"])
        if figures.move is not None:
            phase.add_metric(figures.move, 1)
        yield GaugeMetricFamily("amp_buckets", "Number of time buckets", value=len(figures.buckets))
        yield from (documents, size, phase)
