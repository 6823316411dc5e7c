"""The route that lists where to go from `/v1`."""

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api.models.entry import Entry
from amp.api.operations import Operation, ResponseSpec
from amp.api.responses import json_response

api = APIBlueprint("entry", __name__, abp_tags=[Tag(name="operations")])

_RESOURCES = {
    "assets": "/v1/assets",
    "types": "/v1/types",
    "search": "/v1/search",
    "jobs": "/v1/admin/jobs",
    "buckets": "/v1/admin/buckets",
    "dead_letters": "/v1/admin/dead-letters",
    "readiness": "/readyz",
    "metrics": "/metrics",
    "documentation": "/docs",
    "openapi": "/openapi.json",
}


@Operation(api, "get", "/v1", responses={200: ResponseSpec("The paths of the resources.", Entry)})
def get_entry() -> Response:
    """List the paths of the resources of this API, and of its documentation."""
    return json_response({"resources": {name: request.script_root + path for name, path in _RESOURCES.items()}})
