"""The one place that knows HTTP codes of errors: AMP's error tree, and HTTP's own, as problem+json (RFC 9457)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from amp.domain.limits import MAX_FAULTS
from amp.domain.storable_text import clipped
from amp.errors import (
    AmpError,
    AssetDeleted,
    BadQuery,
    BadSetting,
    CacheUnavailable,
    Conflict,
    DataDirLocked,
    Fault,
    IncompatibleType,
    IndexingStalled,
    Invalid,
    InvalidId,
    NoData,
    NotFound,
    NotMigrated,
    QueueUnavailable,
    Retryable,
    RevisionMismatch,
    TooLarge,
    Unprocessable,
)

PROBLEM_JSON = "application/problem+json"
#: Characters of a message, of a fault's detail and of its pointer: they may quote what was sent.
_MESSAGE_CHARS, _DETAIL_CHARS, _POINTER_CHARS = 1_000, 300, 1_000
_log = structlog.get_logger(__name__)


class BadRequest(Invalid):
    """The request is not valid."""


class MalformedJson(Invalid):
    """The body is not the JSON that is accepted."""


class ForeignOrigin(Invalid):
    """The request comes from a web page of an origin that is not allowed."""


class UnknownHost(Invalid):
    """The request names a host that is not served here."""


class UnsupportedMediaType(Invalid):
    """The body is of a media type or encoding that is not accepted."""


class RequestTimeout(Invalid):
    """The request did not arrive in time."""


class UriTooLong(Invalid):
    """The URL is longer than what is allowed."""


class HeadersTooLarge(Invalid):
    """The head of the request is larger than what is allowed."""


class OtherFolder(Invalid):
    """The request is meant for another data folder than the one served here."""


class InternalServerError(AmpError):
    """Internal Server Error."""


class ExpectationFailed(Invalid):
    """The only expectation that is met is 100-continue."""


#: The nearest class of an error's line of ancestors decides.
_STATUS: dict[type[AmpError], int] = {
    AmpError: 500,
    Invalid: 400,
    BadRequest: 400,
    MalformedJson: 400,
    BadQuery: 400,
    InvalidId: 400,
    ForeignOrigin: 403,
    NotFound: 404,
    RequestTimeout: 408,
    Conflict: 409,
    AssetDeleted: 410,
    RevisionMismatch: 412,
    TooLarge: 413,
    UriTooLong: 414,
    UnsupportedMediaType: 415,
    ExpectationFailed: 417,
    OtherFolder: 421,
    UnknownHost: 421,
    Unprocessable: 422,
    HeadersTooLarge: 431,
    NotMigrated: 503,
    Retryable: 503,
}


#: Faults of the process, and classes that only gather others.
_NEVER_ANSWERED = (
    BadSetting,
    DataDirLocked,
    NoData,
    CacheUnavailable,
    IndexingStalled,
    QueueUnavailable,
    Invalid,
    Retryable,
)
#: HTTP's own, raised by the framework.
_OF_HTTP = (MethodNotAllowed,)


def problem_of(error: AmpError) -> dict[str, Any]:
    """The error as a problem document; what its context holds, as the id in the way, becomes members of its own."""
    status = next(_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS)
    title = (type(error).__doc__ or "").strip().splitlines()[0].rstrip(".")
    problem = _problem(_slug(type(error).__name__), title, status, clipped(error.message, _MESSAGE_CHARS))
    problem |= {name: value for name, value in error.context.items() if value is not None}
    if isinstance(error, Invalid | IncompatibleType) and error.faults:
        problem["errors"] = _shown(error.faults)
    return problem


def problem_types() -> list[tuple[str, int, str]]:
    """(type, status, title) of every problem that a request can meet, by status."""
    # Entry points have errors of their own, which no request meets.
    ours = [cls for cls in _descendants(AmpError) if cls.__module__ in (AmpError.__module__, __name__)]
    problems = [problem_of(cls()) for cls in ours if cls not in _NEVER_ANSWERED]
    problems += [_problem(_slug(cls.__name__), cls().name, cls.code or 0, "") for cls in _OF_HTTP]
    found = {problem["type"]: (problem["type"], problem["status"], problem["title"]) for problem in problems}
    return sorted(found.values(), key=lambda entry: (entry[1], entry[0]))


def _descendants(cls: type[AmpError]) -> Iterator[type[AmpError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(AmpError, _answer_amp_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)


def problem_answer(error: AmpError) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request that met `error`."""
    problem = problem_of(error)
    headers = {"Content-Type": PROBLEM_JSON}
    if isinstance(error, Retryable):
        headers["Retry-After"] = str(error.retry_after_s)
    # Messages may quote input that is no valid text; the answer must be.
    return problem["status"], headers, orjson.dumps(problem, default=str)


def _answer_amp_error(error: AmpError) -> Response:
    status, headers, body = problem_answer(error)
    if status >= 500:
        _log.warning("request failed", action="request_failed", error=type(error).__name__, reason=error.message)
    return Response(body, status, headers)


def _answer_http_exception(error: HTTPException) -> Response:
    inner = error.get_response()
    if error.code is None or error.code < 400:
        return Response(inner.get_data(), error.code, inner.headers)  # a redirect
    response = _response(_problem(_slug(error.name.replace(" ", "-")), error.name, error.code, error.description or ""))
    for name in ("Allow", "Retry-After"):
        if name in inner.headers:
            response.headers[name] = inner.headers[name]
    return response


def _answer_unexpected(error: Exception) -> Response:
    _log.error("unexpected error", action="unexpected_error", exc_info=error)
    detail = f"something went wrong on the server; the log has it under request id {g.get('request_id', '-')}"
    return _response(problem_of(InternalServerError(detail)))


def _problem(slug: str, title: str, status: int, detail: str) -> dict[str, Any]:
    return {"type": f"urn:amp:problem:{slug}", "title": title, "status": status, "detail": detail}


def _shown(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [
        {"pointer": clipped(fault.pointer, _POINTER_CHARS), "detail": clipped(fault.detail, _DETAIL_CHARS)}
        for fault in faults[:MAX_FAULTS]
    ]


def _slug(name: str) -> str:
    """`AssetNotFound` and `Method-Not-Allowed` alike in lower case, words joined by dashes."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _response(problem: dict[str, Any]) -> Response:
    # Messages may quote input that is no valid text; the answer must be.
    body = orjson.dumps(problem, default=str)
    return Response(body, problem["status"], content_type=PROBLEM_JSON)
