"""Gives every request an id, logs it and counts it in the metrics."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from amp.api.current import principal_from_header
from amp.api.raw_path import raw_path
from amp.domain.storable_text import clipped
from amp.metrics import Metrics

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
#: version-trace id-parent id-flags (W3C Trace Context, 3.2). An id that consists of zeros is invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
#: Maximum length of a text from a request in the log.
_MAX_LOGGED_CHARS = 200
_log = structlog.get_logger("amp.access")


def observe(app: Flask, metrics: Metrics) -> None:
    @app.before_request
    def begin() -> None:
        g.began_s = time.perf_counter()
        request_id = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = request_id if _REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex
        trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        structlog.contextvars.bind_contextvars(
            request_id=g.request_id, **({} if trace is None else {"trace_id": trace[1]})
        )
        g.principal = principal_from_header()

    @app.after_request
    def finish(response: Response) -> Response:
        duration_s = time.perf_counter() - g.began_s
        route = request.url_rule.rule if request.url_rule else "(none)"
        method = request.method if request.method in _METHODS else "(other)"
        response.headers[REQUEST_ID_HEADER] = g.request_id
        metrics.requests.labels(route, method, response.status_code).inc()
        metrics.request_seconds.labels(route, method).observe(duration_s)
        principal = g.get("principal")
        reason = g.get("reason")
        _log.info(
            "request",
            action="request",
            method=method,
            route=route,
            path=clipped(raw_path(request.environ), _MAX_LOGGED_CHARS),
            status=response.status_code,
            **({} if reason is None else {"reason": clipped(reason, _MAX_LOGGED_CHARS)}),
            duration_ms=round(duration_s * 1000, 2),
            principal=principal.name if principal else None,
            client=request.remote_addr,
            user_agent=clipped(request.headers.get("User-Agent", ""), _MAX_LOGGED_CHARS),
        )
        return response

    @app.teardown_request
    def unbind(_: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id", "trace_id")


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
