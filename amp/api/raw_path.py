"""Matches routes against the path as it was sent, so that an encoded slash is part of a segment, not a separator."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The WSGI variable that contains path and query as the client encoded them. WSGI itself has only the decoded
#: `PATH_INFO`. The server (`amp.server`) and Werkzeug's test client set this variable.
RAW_URI = "RAW_URI"
#: Percent-encoded characters that are equivalent to the plain ones (RFC 3986, 2.3).
_UNRESERVED = re.compile(r"%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")


class UndecodedPaths:
    """WSGI middleware that puts the undecoded path into `PATH_INFO`. Routes decode their parameters themselves, with
    `decode_segment`.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = _UNRESERVED.sub(lambda match: unquote(match[0]), raw_path(environ))
        path = path.removeprefix(environ.get("SCRIPT_NAME", ""))
        if path.startswith("//"):  # Werkzeug would reduce them to one slash
            path = f"/%2F{path[2:]}"
        return self._application({**environ, "PATH_INFO": path}, start_response)


def raw_path(environ: dict[str, Any]) -> str:
    """Return the path as it was sent: percent-encoded, without query and fragment. It is never empty."""
    target: str = environ.get(RAW_URI) or quote(environ["PATH_INFO"], encoding="latin-1")
    return target.partition("?")[0].partition("#")[0] or "/"


def decode_segment(segment: str) -> str:
    """Return the percent-decoded segment.

    :raises UnicodeDecodeError: it is not UTF-8.
    """
    return unquote(segment, errors="strict")
