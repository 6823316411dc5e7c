"""Every metric of AMP, in one place: name, unit and meaning."""

from prometheus_client import CollectorRegistry, Counter, Histogram


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
