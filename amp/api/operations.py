"""Declares a route once: what it takes and what it answers, for the router and for the OpenAPI document alike."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from amp.api.errors import PROBLEM_JSON, BadRequest
from amp.api.parameters import QueryParameter
from amp.api.path_parameters import PATH
from amp.api.preconditions import refuse_preconditions
from amp.api.raw_path import decode_segment

_JSON = "application/json"
_PROBLEM = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_IN_PATH = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, kw_only=True)
class HeaderSpec:
    """A header of requests or of answers."""

    name: str
    description: str
    schema: dict[str, Any]

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "in": "header", "required": False} | self._body()

    def in_answer(self) -> dict[str, Any]:
        return self._body()

    def _body(self) -> dict[str, Any]:
        return {"description": self.description, "schema": self.schema}


@dataclass(frozen=True)
class ResponseSpec:
    """A successful answer."""

    description: str
    model: type[BaseModel] | None = None
    headers: tuple[HeaderSpec, ...] = ()
    media_type: str = _JSON

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"description": self.description}
        if self.model is not None:
            schema = {"$ref": f"#/components/schemas/{self.model.__name__}"}
            found["content"] = {self.media_type: {"schema": schema}}
        elif self.media_type != _JSON:
            found["content"] = {self.media_type: {"schema": {"type": "string"}}}
        if self.headers:
            found["headers"] = {header.name: header.in_answer() for header in self.headers}
        return found


class Body(Protocol):
    """A kind of request body."""

    @property
    def models(self) -> tuple[type[BaseModel], ...]: ...

    def read(self) -> Any: ...

    def document(self) -> dict[str, Any]: ...


#: Models the operations speak of: those of requests, those of answers.
REQUEST_MODELS: set[type[BaseModel]] = set()
ANSWER_MODELS: set[type[BaseModel]] = set()


def operation(
    api: APIBlueprint,
    method: str,
    rule: str,
    *,
    answers: dict[int, ResponseSpec],
    refusals: Sequence[int] = (),
    query: Sequence[QueryParameter[Any]] = (),
    headers: Sequence[HeaderSpec] = (),
    body: Body | None = None,
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Registers a view, which gets the parsed parameters of its path by name, and the parsed `body`.

    Query parameters that are not declared are refused, and so are preconditions of writes; every operation may answer
    400.
    """
    in_path = [PATH[name] for name in _IN_PATH.findall(rule)]
    known = frozenset(parameter.name for parameter in query)
    names = frozenset(header.name for header in headers)

    def register(view: Callable[..., Response]) -> Callable[..., Response]:
        def call() -> Response:
            if not known.issuperset(request.args):
                raise _unknown(known)
            if method != "get":
                refuse_preconditions(names)
            # All of them, before anything is done: a write that was done must not answer 400.
            for parameter in query:
                parameter.read()
            values = request.view_args or {}
            arguments = {
                parameter.name: parameter.parse(decode_segment(values[parameter.name])) for parameter in in_path
            }
            if body is not None:
                arguments["body"] = body.read()
            return view(**arguments)

        call.__name__ = view.__name__
        summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
        extensions: dict[str, Any] = {
            "parameters": [p.document() for p in in_path]
            + [p.document() for p in query]
            + [h.document() for h in headers],
        }
        if body is not None:
            extensions["requestBody"] = body.document()
            REQUEST_MODELS.update(body.models)
        ANSWER_MODELS.update(answer.model for answer in answers.values() if answer.model is not None)
        getattr(api, method)(
            rule,
            operation_id=view.__name__,
            summary=" ".join(summary.split()),
            description=" ".join(description.split()) or None,
            responses=_responses(answers, {400, *refusals, *((413, 415) if body is not None else ())}),
            openapi_extensions=extensions,
        )(call)
        return view

    return register


def _responses(answers: dict[int, ResponseSpec], refusals: set[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {status: answer.document() for status, answer in answers.items()}
    for status in sorted(refusals):
        found[status] = {"description": HTTPStatus(status).phrase, "content": _PROBLEM}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            found[status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
    return found


def _unknown(known: frozenset[str]) -> BadRequest:
    unknown = ", ".join(sorted(repr(name[:64]) for name in request.args if name not in known))
    accepted = f"known here: {', '.join(sorted(known))}" if known else "none is known here"
    return BadRequest(f"unknown query parameter {unknown}; {accepted}")
