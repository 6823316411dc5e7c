"""Routes for those who run the service: alive, ready, metrics."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CONTENT_TYPE_LATEST

from amp.api.current import amp
from amp.api.models.health import Alive, Readiness
from amp.api.operations import Answer, operation
from amp.api.responses import json_response
from amp.errors import StoreUnavailable

api = APIBlueprint("health", __name__, abp_tags=[Tag(name="operations")])

#: Without it nothing can be read or written; without the others, AMP goes on.
_VITAL = "store"


@operation(api, "get", "/healthz", answers={200: Answer("The process answers.", Alive)})
def get_health() -> Response:
    """Tell that the process is alive."""
    return json_response({"status": "ok"})


@operation(api, "get", "/readyz", answers={200: Answer("It can be used, if degraded.", Readiness)}, refusals=(503,))
def get_readiness() -> Response:
    """Tell whether the service can be used, and which parts do not answer.

    503 only when the store is down; then the problem has the parts too.
    """
    health = amp().check_health.check()
    parts = [{"name": part.name, "healthy": part.healthy, "detail": part.detail} for part in health]
    degraded = [part.name for part in health if not part.healthy]
    if _VITAL in degraded:
        raise StoreUnavailable(parts=parts)
    return json_response({"status": "degraded" if degraded else "ready", "degraded": degraded, "parts": parts})


@operation(
    api,
    "get",
    "/metrics",
    answers={200: Answer("Metrics of the service's processes on this machine.", media_type="text/plain")},
)
def get_metrics() -> Response:
    """Metrics in Prometheus's text format."""
    return Response(amp().metrics.expose(), content_type=CONTENT_TYPE_LATEST)
