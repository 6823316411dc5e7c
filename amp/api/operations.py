"""Declares each route once, for the router and for the OpenAPI document."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from amp.api.errors import PROBLEM_JSON, BadRequest
from amp.api.parameters import QueryParameter
from amp.api.path_parameters import PATH, PathParameter
from amp.api.preconditions import reject_preconditions
from amp.api.raw_path import decode_segment

_JSON = "application/json"
_PROBLEM = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RETRY_AFTER = {"description": "The time to wait before retrying, in seconds.", "schema": {"type": "integer"}}
_PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, kw_only=True)
class HeaderSpec:
    """A header of requests or responses."""

    name: str
    description: str
    schema: dict[str, Any]

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "in": "header", "required": False} | self._body()

    def response_document(self) -> dict[str, Any]:
        return self._body()

    def _body(self) -> dict[str, Any]:
        return {"description": self.description, "schema": self.schema}


@dataclass(frozen=True)
class ResponseSpec:
    """A successful response."""

    description: str
    model: type[BaseModel] | None = None
    headers: tuple[HeaderSpec, ...] = ()
    media_type: str = _JSON

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"description": self.description}
        if self.model is not None:
            schema = {"$ref": f"#/components/schemas/{self.model.__name__}"}
            document["content"] = {self.media_type: {"schema": schema}}
        elif self.media_type != _JSON:
            document["content"] = {self.media_type: {"schema": {"type": "string"}}}
        if self.headers:
            document["headers"] = {header.name: header.response_document() for header in self.headers}
        return document


class Body(Protocol):
    """A kind of request body."""

    @property
    def models(self) -> tuple[type[BaseModel], ...]: ...

    def read(self) -> Any: ...

    def document(self) -> dict[str, Any]: ...


#: The models of the request and response bodies of all operations.
REQUEST_MODELS: set[type[BaseModel]] = set()
RESPONSE_MODELS: set[type[BaseModel]] = set()
View = Callable[..., Response]


@dataclass(frozen=True)
class Operation:
    """An HTTP method on a path, as a decorator for its view. The view receives the parsed parameters of the path by
    their names, and the parsed `body`.

    Query parameters that are not declared are rejected, and so are preconditions of writes that are not declared.
    """

    api: APIBlueprint
    method: str
    rule: str
    _: KW_ONLY
    responses: Mapping[int, ResponseSpec]
    #: The statuses of its problems, in addition to 400, which every operation can return, and to those of bodies.
    errors: Sequence[int] = ()
    query: Sequence[QueryParameter[Any]] = ()
    headers: Sequence[HeaderSpec] = ()
    body: Body | None = None

    def __call__(self, view: View) -> View:
        def call() -> Response:
            return view(**self._read_arguments())

        call.__name__ = view.__name__
        if self.body is not None:
            REQUEST_MODELS.update(self.body.models)
        RESPONSE_MODELS.update(spec.model for spec in self.responses.values() if spec.model is not None)
        summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
        getattr(self.api, self.method)(
            self.rule,
            operation_id=view.__name__,
            summary=" ".join(summary.split()),
            description=" ".join(description.split()) or None,
            responses=_responses(self.responses, self._error_statuses()),
            openapi_extensions=self._extensions(),
        )(call)
        return view

    def _read_arguments(self) -> dict[str, Any]:
        """Return the arguments of the view for the current request.

        :raises Invalid: something in the request is not valid.
        """
        if not self._query_names.issuperset(request.args):
            raise _unknown_parameters(self._query_names)
        if self.method != "get":
            reject_preconditions({header.name for header in self.headers})
        # All of them are read before the view acts, because a write that took effect must not return 400.
        for parameter in self.query:
            parameter.read()
        values = request.view_args or {}
        arguments = {
            parameter.name: parameter.parse(decode_segment(values[parameter.name]))
            for parameter in self._path_parameters
        }
        if self.body is not None:
            arguments["body"] = self.body.read()
        return arguments

    @cached_property
    def _query_names(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.query)

    @cached_property
    def _path_parameters(self) -> list[PathParameter]:
        return [PATH[name] for name in _PATH_PARAMETER.findall(self.rule)]

    def _error_statuses(self) -> set[int]:
        return {400, *self.errors, *((413, 415) if self.body is not None else ())}

    def _extensions(self) -> dict[str, Any]:
        parameters: list[PathParameter | QueryParameter[Any] | HeaderSpec]
        parameters = [*self._path_parameters, *self.query, *self.headers]
        extensions: dict[str, Any] = {"parameters": [parameter.document() for parameter in parameters]}
        if self.body is not None:
            extensions["requestBody"] = self.body.document()
        return extensions


def _responses(specs: Mapping[int, ResponseSpec], errors: set[int]) -> dict[int, dict[str, Any]]:
    responses: dict[int, dict[str, Any]] = {status: spec.document() for status, spec in specs.items()}
    for status in sorted(errors):
        responses[status] = {"description": HTTPStatus(status).phrase, "content": _PROBLEM}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            responses[status]["headers"] = {"Retry-After": _RETRY_AFTER}
    return responses


def _unknown_parameters(known: frozenset[str]) -> BadRequest:
    unknown = ", ".join(sorted(repr(name[:64]) for name in request.args if name not in known))
    accepted = f"known here: {', '.join(sorted(known))}" if known else "no parameter is known here"
    return BadRequest(f"unknown query parameter {unknown}; {accepted}")
