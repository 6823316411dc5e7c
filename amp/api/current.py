"""Gives access to the service and the principal of the current request."""

from flask import current_app, g, request

from amp.api.errors import BadRequest
from amp.bootstrap import Amp
from amp.domain.principals import ANONYMOUS, Principal

PRINCIPAL_HEADER = "AMP-Principal"
_MAX_PRINCIPAL_BYTES = 256


def amp() -> Amp:
    """Return the service that handles the current request."""
    service: Amp = current_app.extensions["amp"]
    return service


def principal() -> Principal:
    """Return the principal of the current request."""
    current: Principal = g.principal
    return current


def principal_from_header() -> Principal:
    """Return the principal that the request names in its header; `anonymous` without the header.

    :raises BadRequest: the header is empty, too long, not UTF-8 or not printable.
    """
    value = request.headers.get(PRINCIPAL_HEADER)
    if value is None:
        return Principal(ANONYMOUS)
    raw = value.encode("latin-1")
    try:
        name = raw.decode()
    except UnicodeDecodeError as e:
        raise BadRequest(f"header {PRINCIPAL_HEADER} is not valid UTF-8") from e
    if not name or not name.isprintable() or len(raw) > _MAX_PRINCIPAL_BYTES:
        raise BadRequest(f"header {PRINCIPAL_HEADER} must be 1 to {_MAX_PRINCIPAL_BYTES} bytes of printable text")
    return Principal(name)
