"""Translates AMP's errors and those of the web framework into problem documents (RFC 9457).

Only this module knows the HTTP status of each error.
"""

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
#: Maximum characters of a message, of a fault's detail and of its pointer, all of which may quote the request.
_MAX_MESSAGE_CHARS, _MAX_DETAIL_CHARS, _MAX_POINTER_CHARS = 1_000, 300, 1_000
_log = structlog.get_logger(__name__)


class BadRequest(Invalid):
    """The request is not valid."""


class MalformedJson(Invalid):
    """The body is not JSON as the API accepts it."""


class ForeignOrigin(Invalid):
    """The request comes from a web page of an origin that is not allowed."""


class UnknownHost(Invalid):
    """The request names a host that this server does not serve."""


class UnsupportedMediaType(Invalid):
    """The body is of a media type or encoding that is not accepted."""


class RequestTimeout(Invalid):
    """The request did not arrive in time."""


class UriTooLong(Invalid):
    """The URL is longer than allowed."""


class HeadersTooLarge(Invalid):
    """The request line and headers are larger than allowed."""


class OtherFolder(Invalid):
    """The request is for a different data folder from the one that this server serves."""


class InternalServerError(AmpError):
    """Internal Server Error."""


class ExpectationFailed(Invalid):
    """The only supported expectation is 100-continue."""


#: HTTP status by class. The first class of an error's method resolution order that is listed decides.
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


#: Errors that no request meets: those of starting a process, those that services handle, and mere base classes.
_NEVER_RETURNED = (
    BadSetting,
    DataDirLocked,
    NoData,
    CacheUnavailable,
    IndexingStalled,
    QueueUnavailable,
    Invalid,
    Retryable,
)
#: Errors that the web framework raises itself.
_FRAMEWORK_ERRORS = (MethodNotAllowed,)


def problem_of(error: AmpError) -> dict[str, Any]:
    """Return the error as a problem document. Entries of its context, such as the id of an asset, become members."""
    status = next(_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS)
    title = (type(error).__doc__ or "").strip().splitlines()[0].rstrip(".")
    problem = _problem(_slug(type(error).__name__), title, status, clipped(error.message, _MAX_MESSAGE_CHARS))
    problem |= {name: value for name, value in error.context.items() if value is not None}
    if isinstance(error, Invalid | IncompatibleType) and error.faults:
        problem["errors"] = _faults_json(error.faults)
    return problem


def problem_types() -> list[tuple[str, int, str]]:
    """Return (type, status, title) of every problem that a response can contain, sorted by status and type."""
    # The errors of other modules, such as the CLI's, never reach a response.
    errors = [cls for cls in _descendants(AmpError) if cls.__module__ in (AmpError.__module__, __name__)]
    problems = [problem_of(cls()) for cls in errors if cls not in _NEVER_RETURNED]
    problems += [_problem(_slug(cls.__name__), cls().name, cls.code or 0, "") for cls in _FRAMEWORK_ERRORS]
    by_type = {problem["type"]: (problem["type"], problem["status"], problem["title"]) for problem in problems}
    return sorted(by_type.values(), key=lambda entry: (entry[1], entry[0]))


def _descendants(cls: type[AmpError]) -> Iterator[type[AmpError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(AmpError, _handle_amp_error)
    app.register_error_handler(HTTPException, _handle_http_exception)
    app.register_error_handler(Exception, _handle_unexpected)


def problem_response(error: AmpError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the response to a request that failed with `error`."""
    problem = problem_of(error)
    headers = {"Content-Type": PROBLEM_JSON}
    if isinstance(error, Retryable):
        headers["Retry-After"] = str(error.retry_after_s)
    return problem["status"], headers, orjson.dumps(problem, default=str)


def _handle_amp_error(error: AmpError) -> Response:
    status, headers, body = problem_response(error)
    g.reason = error.message
    if status >= 500:
        _log.warning("request failed", action="request_failed", error=type(error).__name__, reason=error.message)
    return Response(body, status, headers)


def _handle_http_exception(error: HTTPException) -> Response:
    original = error.get_response()
    if error.code is None or error.code < 400:
        return Response(original.get_data(), error.code, original.headers)  # a redirect
    g.reason = error.description
    response = _response(_problem(_slug(error.name.replace(" ", "-")), error.name, error.code, error.description or ""))
    for name in ("Allow", "Retry-After"):
        if name in original.headers:
            response.headers[name] = original.headers[name]
    return response


def _handle_unexpected(error: Exception) -> Response:
    _log.error("unexpected error", action="unexpected_error", exc_info=error)
    detail = f"an unexpected error occurred; the server's log describes it under request id {g.get('request_id', '-')}"
    g.reason = type(error).__name__
    return _response(problem_of(InternalServerError(detail)))


def _problem(slug: str, title: str, status: int, detail: str) -> dict[str, Any]:
    return {"type": f"urn:amp:problem:{slug}", "title": title, "status": status, "detail": detail}


def _faults_json(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [
        {"pointer": clipped(fault.pointer, _MAX_POINTER_CHARS), "detail": clipped(fault.detail, _MAX_DETAIL_CHARS)}
        for fault in faults[:MAX_FAULTS]
    ]


def _slug(name: str) -> str:
    """Return a class name such as `AssetNotFound`, or words joined by hyphens, as a slug such as `asset-not-found`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _response(problem: dict[str, Any]) -> Response:
    body = orjson.dumps(problem, default=str)
    return Response(body, problem["status"], content_type=PROBLEM_JSON)
