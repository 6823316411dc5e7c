"""What belongs to the request being answered: the service, and who is calling."""

from flask import current_app, g, request

from amp.api.errors import BadRequest
from amp.bootstrap import Amp
from amp.domain.principals import ANONYMOUS, Principal

PRINCIPAL_HEADER = "AMP-Principal"
_MAX_PRINCIPAL_BYTES = 256


def amp() -> Amp:
    found: Amp = current_app.extensions["amp"]
    return found


def principal() -> Principal:
    found: Principal = g.principal
    return found


def principal_from_header() -> Principal:
    """:raises BadRequest: the header is not a name."""
    given = request.headers.get(PRINCIPAL_HEADER)
    if given is None:
        return Principal(ANONYMOUS)
    raw = given.encode("latin-1")
    try:
        name = raw.decode()
    except UnicodeDecodeError as e:
        raise BadRequest(f"header {PRINCIPAL_HEADER} is not UTF-8") from e
    if not name or not name.isprintable() or len(raw) > _MAX_PRINCIPAL_BYTES:
        raise BadRequest(f"header {PRINCIPAL_HEADER} takes 1 to {_MAX_PRINCIPAL_BYTES} bytes of printable text")
    return Principal(name)
