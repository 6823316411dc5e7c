"""Routes for those who run the service: alive, ready, metrics."""

from dataclasses import asdict
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CONTENT_TYPE_LATEST

from amp.api.current import amp
from amp.api.models.health import Alive, Readiness
from amp.api.operations import ResponseSpec, operation
from amp.api.responses import json_response
from amp.errors import StoreUnavailable

api = APIBlueprint("health", __name__, abp_tags=[Tag(name="operations")])


@operation(api, "get", "/healthz", answers={200: ResponseSpec("The process answers.", Alive)})
def get_health() -> Response:
    """Tell that the process is alive."""
    return json_response({"status": "ok"})


@operation(
    api, "get", "/readyz", answers={200: ResponseSpec("It can be used, if degraded.", Readiness)}, refusals=(503,)
)
def get_readiness() -> Response:
    """Tell whether the service can be used, and what needs attention.

    503 when a write would not be acknowledged: the store is down, its disk is full, or its folder is gone. Otherwise
    200 with the degraded parts, background threads and buckets named, and work that waits for a worker. The 503 problem
    has the same members.
    """
    health = amp().system.health.check()
    detail: dict[str, Any] = {
        "degraded": health.degraded,
        "parts": [asdict(part) for part in health.parts],
        "threads": [
            {"name": thread.name, "healthy": thread.healthy, "failures": thread.failures, "detail": thread.reason}
            for thread in health.threads
        ],
        "buckets": [asdict(bucket) for bucket in health.buckets],
        "work": [asdict(work) for work in health.work],
    }
    if not health.usable:
        raise StoreUnavailable(**detail)
    return json_response({"status": "degraded" if health.degraded else "ready"} | detail)


@operation(
    api,
    "get",
    "/metrics",
    answers={200: ResponseSpec("Metrics of the service's processes on this machine.", media_type="text/plain")},
)
def get_metrics() -> Response:
    """Metrics in Prometheus's text format."""
    return Response(amp().metrics.expose(), content_type=CONTENT_TYPE_LATEST)
