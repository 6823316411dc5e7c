"""Calls the API, a WSGI application (PEP 3333), with a complete request, and collects the complete response."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from amp.api.raw_path import RAW_URI
from amp.server.messages import HttpRequest, HttpResponse

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def call(app: Application, request: HttpRequest) -> HttpResponse:
    """Return the response of the application. Block until it is complete."""
    starts: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        starts.append((status, headers))

    pieces = app(environ_of(request), start_response)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    status, headers = starts[-1]
    code, _, reason = status.partition(" ")
    encoded = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
    return HttpResponse(status=int(code), reason=reason, headers=encoded, body=body)


def environ_of(request: HttpRequest) -> dict[str, Any]:
    """Return the WSGI environment. A header changes only its own `HTTP_…` variable: neither the path (`SCRIPT_NAME`)
    nor the address of the client (`X-Forwarded-For` and similar headers) is taken from the client.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.decode("latin-1"),
        "QUERY_STRING": request.query,
        RAW_URI: request.target,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
        "SERVER_NAME": request.server[0],
        "SERVER_PORT": str(request.server[1]),
        "REMOTE_ADDR": request.client[0],
        "REMOTE_PORT": str(request.client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body or b""),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ |= _variables(request.headers)
    if request.body is not None:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def _variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, value in headers:
        # `AMP_Principal` would become the same variable as `AMP-Principal`, which a gateway sets or removes.
        if b"_" in name or name in (b"content-length", b"transfer-encoding"):
            continue
        variable = name.decode("latin-1").upper().replace("-", "_")
        key = variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"
        text = value.decode("latin-1")
        separator = "; " if variable == "COOKIE" else ","
        variables[key] = f"{variables[key]}{separator}{text}" if key in variables else text
    return variables
