"""Every metric of AMP, in one place: name, unit and meaning."""

import math
import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from amp.errors import AmpError

#: Names the folder in which processes share their metrics; the client library reads it.
_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


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
            "amp_events_indexed", "Events taken from the queue and settled in the index", registry=self.registry
        )
        self.dead_letters = Counter(
            "amp_dead_letters", "Events put aside because the index rejects them", registry=self.registry
        )
        self.intents_relayed = Counter(
            "amp_intents_relayed", "Events the relay published in place of their writer", registry=self.registry
        )
        self.versions_dropped = Counter(
            "amp_versions_dropped", "Versions dropped past the number kept", registry=self.registry
        )

    def watch_lag(self, lag: Callable[[], int]) -> None:
        """Show what `lag` gives at each look, NaN when it cannot tell. Not where processes share their metrics: it is
        the same for all of them, and the workers show it."""
        if _SHARED_FOLDER in os.environ:
            return

        def value() -> float:
            try:
                return lag()
            except AmpError:
                return math.nan

        gauge = Gauge("amp_queue_lag", "Events of live traffic still to be indexed", registry=self.registry)
        gauge.set_function(value)

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
