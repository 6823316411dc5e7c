"""Routes for operating the service: liveness, readiness and metrics."""

from dataclasses import asdict
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CONTENT_TYPE_LATEST

from amp.api.current import amp
from amp.api.models.health import Alive, Readiness
from amp.api.operations import Operation, ResponseSpec
from amp.api.responses import json_response
from amp.errors import StoreUnavailable

api = APIBlueprint("health", __name__, abp_tags=[Tag(name="operations")])


@Operation(api, "get", "/healthz", responses={200: ResponseSpec("The process responds.", Alive)})
def get_health() -> Response:
    """Report that the process is alive."""
    return json_response({"status": "ok"})


@Operation(
    api,
    "get",
    "/readyz",
    responses={200: ResponseSpec("The service can be used.", Readiness)},
    errors=(503,),
)
def get_readiness() -> Response:
    """Report whether the service can be used, and what needs attention.

    The status is 503 if a write would not be acknowledged: the store is down, its disk is full, or its folder was
    removed. Otherwise it is 200, and the body names unhealthy components, background threads and buckets, and work that
    waits for a worker. The 503 problem has the same members.
    """
    health = amp().system.health.check()
    detail: dict[str, Any] = {
        "degraded": health.degraded,
        "parts": [asdict(component) for component in health.components],
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


@Operation(
    api,
    "get",
    "/metrics",
    responses={200: ResponseSpec("Metrics of the service's processes on this machine.", media_type="text/plain")},
)
def get_metrics() -> Response:
    """Return metrics in the Prometheus text format."""
    return Response(amp().metrics.expose(), content_type=CONTENT_TYPE_LATEST)
