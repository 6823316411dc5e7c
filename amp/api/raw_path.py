"""The path of the request's URL before anything decoded it, for routes whose parts may hold an encoded slash."""

from flask import request

#: The WSGI variable with the request target as the client sent it, query included. WSGI itself has only the decoded
#: `PATH_INFO`; this one is set by the server (`amp.server`), by gunicorn, and by Werkzeug's test client.
RAW_URI = "RAW_URI"


def raw_path() -> str:
    """The path as it was sent, still percent-encoded, without query and fragment; it begins with a slash."""
    target: str = request.environ[RAW_URI]
    if not target.startswith("/"):  # the absolute form, http://host/path
        _, _, rest = target.partition("://")
        _, slash, path = rest.partition("/")
        target = slash + path
    return target.partition("?")[0].partition("#")[0] or "/"
