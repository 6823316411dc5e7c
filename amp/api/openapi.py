"""Generates the OpenAPI 3.1 document from the models that validate requests, and serves it with Swagger UI."""

import importlib.resources
from collections.abc import Callable
from typing import Any

import orjson
from flask import Blueprint, Response, redirect, send_from_directory
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema
from werkzeug.wrappers import Response as AnyResponse

import amp as package
from amp.api.documented_settings import insert_settings
from amp.api.errors import problem_types
from amp.api.models.problems import Problem
from amp.api.operations import REQUEST_MODELS, RESPONSE_MODELS
from amp.settings import Settings

_DESCRIPTION = """Stores typed and versioned metadata of digital assets. Changes are searchable by any field about a
second later.

Errors are returned as `application/problem+json` (RFC 9457); `errors` lists each fault of the body with its place.
Whole numbers have 64 bits. Clients that represent whole numbers exactly only up to 2⁵³, such as JavaScript, should use
`longs=string`.

| problem | status | meaning |
|---|---|---|
"""

#: The files of Swagger UI come with a package, so that the page works offline.
_SWAGGER = importlib.resources.files("flask_openapi3_swagger").joinpath("templates/swagger")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>AMP</title>
<link rel="icon" href="docs/images/swagger.svg">
<link rel="stylesheet" href="docs/css/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="docs/js/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({ url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null })
</script>
</body>
</html>
"""


class AmpOpenAPI(OpenAPI):
    """Uses the paths that the library generates, but replaces its schemas, which do not support all that AMP needs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__(
            "amp.api",
            info=Info(title="AMP", version=package.__version__, description=_DESCRIPTION + _problem_rows()),
            security_schemes={},
            doc_ui=False,
            # Every operation declares this status, so that the library does not add a response of its own.
            validation_error_status=400,
            static_folder=None,
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # No view is a coroutine. Flask would check this eight times per request, which takes 1/30 of its time.
        return func

    def generate_spec_json(self) -> None:
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self.spec_json["components"] = {"schemas": _schemas()}
        self.spec_json = insert_settings(self.spec_json, self._settings)


class _Schemas(GenerateJsonSchema):
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # A field that is not required may be omitted. A default of null would not match the type of the field.
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - titles would only repeat the names
        return False


def _schemas() -> dict[str, Any]:
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in sorted(REQUEST_MODELS, key=_name)),
        *((model, "serialization") for model in sorted(RESPONSE_MODELS | {Problem}, key=_name)),
    ]
    _, definitions = models_json_schema(modes, ref_template="#/components/schemas/{model}", schema_generator=_Schemas)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _problem_rows() -> str:
    return "\n".join(f"| `{name}` | {status} | {title} |" for name, status, title in problem_types())


def docs_blueprint(app: AmpOpenAPI) -> Blueprint:
    """Return the routes `/`, `/docs` and `/openapi.json`."""
    docs = Blueprint("docs", __name__)

    @docs.get("/")
    def start() -> AnyResponse:
        return redirect("docs")

    @docs.get("/docs", strict_slashes=False)
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8")

    @docs.get("/docs/<path:name>")
    def swagger(name: str) -> Response:
        return send_from_directory(str(_SWAGGER), name, max_age=86_400)

    @docs.get("/openapi.json")
    def document() -> Response:
        return Response(orjson.dumps(app.api_doc), content_type="application/json")

    return docs
