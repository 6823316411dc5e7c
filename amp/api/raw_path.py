"""Lets routes be matched against the path as it was sent: an encoded slash is part of a segment, not between two."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The WSGI variable with path and query as the client encoded them. WSGI itself has only the decoded `PATH_INFO`; this
#: one is set by the server (`amp.server`), and by Werkzeug's test client.
RAW_URI = "RAW_URI"
#: Encoded characters that mean the same when they are not (RFC 3986, 2.3).
_UNRESERVED = re.compile(r"%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")


class UndecodedPaths:
    """WSGI middleware that puts the undecoded path into `PATH_INFO`; what routes take from it they decode themselves,
    by `decode_segment`."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = _UNRESERVED.sub(lambda found: unquote(found[0]), raw_path(environ))
        path = path.removeprefix(environ.get("SCRIPT_NAME", ""))
        if path.startswith("//"):  # which Werkzeug would take for a single one
            path = f"/%2F{path[2:]}"
        return self._application({**environ, "PATH_INFO": path}, start_response)


def raw_path(environ: dict[str, Any]) -> str:
    """The path as it was sent, still percent-encoded, without query and fragment; it begins with a slash."""
    target: str = environ.get(RAW_URI) or quote(environ["PATH_INFO"], encoding="latin-1")
    return target.partition("?")[0].partition("#")[0] or "/"


def decode_segment(segment: str) -> str:
    """:raises UnicodeDecodeError: it is no UTF-8."""
    return unquote(segment, errors="strict")
