"""Every metric of AMP, in one place: name, unit and meaning."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from amp.errors import AmpError

_log = structlog.get_logger(__name__)
#: Names the folder in which processes share their metrics; the client library reads it.
_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Writers of a range wait for so long, in seconds: half a second is the aim, five the end of an attempt.
_HOLDS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class BucketFigures:
    name: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MapFigures:
    """What is shown of the buckets."""

    buckets: Sequence[BucketFigures]
    move: tuple[str, str] | None  #: kind and phase of the one under way


def share_metrics(folder: Path) -> None:
    """Add up in `folder` what this process and its children count from now on. Before any `Metrics` is made."""
    os.environ[_SHARED_FOLDER] = str(folder)
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # has no types


def forget_process(pid: int) -> None:
    """A child that shared its metrics has ended; what it counted stays."""
    if _SHARED_FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # has no types


class Metrics:
    """The metrics of one process; names as `/metrics` shows them."""

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
            "Time to answer an HTTP request",
            ["route", "method"],
            registry=self.registry,
        )
        self.events_indexed = Counter(
            "amp_events_indexed",
            "Events of live traffic brought into the index; those set aside count once they are in it",
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "amp_dead_letters", "Messages put aside because no further try can help", registry=self.registry
        )
        self.job_assets = Counter(
            "amp_job_assets",
            "Assets that jobs have looked after, by kind of job and outcome; one that comes again counts again",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.intents_relayed = Counter(
            "amp_intents_relayed", "Events the relay published in place of their writer", registry=self.registry
        )
        self.versions_dropped = Counter(
            "amp_versions_dropped",
            "Versions that new ones dropped from the store, past the number kept",
            registry=self.registry,
        )
        self.thread_failures = Counter(
            "amp_thread_failures",
            "Unexpected errors of background threads, each started again after a pause",
            ["thread"],
            registry=self.registry,
        )

        self.documents_moved = Counter(
            "amp_move_documents", "Documents that moves of buckets copied", registry=self.registry
        )
        self.hold_seconds = Histogram(
            "amp_move_hold_seconds",
            "Time for which indexing of a moving range waited at the switch",
            buckets=_HOLDS_S,
            registry=self.registry,
        )
        self.bucket_findings = Gauge(
            "amp_bucket_findings",
            "Where map and search index disagreed at the last look, healed or not",
            registry=self.registry,
            multiprocess_mode="livemax",
        )

    def watch_buckets(self, look: Callable[[], MapFigures]) -> None:
        """Show what `look` gives at each look, nothing when it cannot tell; as with the lag, not where processes share
        their metrics."""
        if _SHARED_FOLDER not in os.environ:
            self.registry.register(_Buckets(look))

    def watch_lag(self, live: Callable[[], int], retry: Callable[[], int]) -> None:
        """Show what both give at each look, NaN when one cannot tell. Not where processes share their metrics: it is
        the same for all of them, and the workers show it.

        :param live: how many changes of live traffic no index worker has taken yet.
        :param retry: how many wait for a bucket that refuses writes.
        """
        if _SHARED_FOLDER in os.environ:
            return
        for name, meaning, lag in (
            ("amp_queue_lag", "Events of live traffic still to be indexed", live),
            ("amp_retry_lag", "Events that wait for a bucket which refuses writes", retry),
        ):
            gauge = Gauge(name, meaning, registry=self.registry)
            gauge.set_function(partial(_value, lag))

    def serve(self, host: str, port: int) -> None:
        """Answer at `http://host:port/metrics` from a thread of its own, until the process ends.

        :raises OSError: the address cannot be used.
        """
        start_http_server(port, addr=host, registry=self.registry)

    def expose(self) -> bytes:
        """In the text format of Prometheus, added up over all processes that share theirs."""
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
    except Exception:  # noqa: BLE001 - one figure that cannot be told must not hide the others
        _log.exception("lag unknown", action="lag_unknown")
        return math.nan


class _Buckets(Collector):
    """Made anew at each look, so that buckets that are gone are not shown."""

    def __init__(self, look: Callable[[], MapFigures]) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = self._look()
        except AmpError:
            return
        except Exception:  # noqa: BLE001 - likewise
            _log.exception("buckets unknown", action="bucket_figures_unknown")
            return
        documents = GaugeMetricFamily("amp_bucket_documents", "Documents that are not deleted", labels=["bucket"])
        size = GaugeMetricFamily("amp_bucket_bytes", "Bytes of primaries", labels=["bucket"])
        for bucket in found.buckets:
            documents.add_metric([bucket.name], bucket.documents)
            size.add_metric([bucket.name], bucket.bytes)
        phase = GaugeMetricFamily("amp_move_phase", "1 for the move under way", labels=["kind", "phase"])
        if found.move is not None:
            phase.add_metric(found.move, 1)
        yield GaugeMetricFamily("amp_buckets", "Time buckets", value=len(found.buckets))
        yield from (documents, size, phase)
