"""Adds CORS headers to responses for the origins that the settings allow."""

from collections.abc import Collection

from flask import Flask, Response, request

_EXPOSED_HEADERS = "ETag, Location, Retry-After, X-Request-ID, AMP-Searchable"
_ALLOWED_HEADERS = (
    "Content-Type, Content-Encoding, If-Match, If-None-Match, Idempotency-Key, AMP-Principal, X-Request-ID, traceparent"
)


def allow_origins(app: Flask, origins: Collection[str]) -> None:
    """Add the headers to every response to one of `origins`; `*` among them allows every origin."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin is None or not ("*" in origins or origin in origins):
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
            response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = "600"
        return response
