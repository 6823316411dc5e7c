"""Refuses requests that a web page made behind its reader's back: DNS rebinding, and writes from foreign origins."""

import ipaddress
from collections.abc import Collection

from flask import Flask, request

from amp.addresses import authority_of
from amp.api.errors import ForeignOrigin, UnknownHost

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOCAL = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


def check_origins(app: Flask, hosts: Collection[str], origins: Collection[str]) -> None:
    """Answers only to the names in `hosts`, to localhost, and to addresses, which no DNS entry can redirect. What
    changes things is refused from an origin that is neither the request's own host nor in `origins`. `*` among either
    turns its check off. Clients other than browsers send no `Origin`."""
    known = _LOCAL | {host.lower().rstrip(".") for host in hosts}

    @app.before_request
    def check() -> None:
        host = request.headers.get("Host")
        if host is not None and "*" not in known and not _is_known(host, known):
            raise UnknownHost(f"host {host[:100]!r} is not served here; AMP_ALLOWED_HOSTS names those that are")
        origin = request.headers.get("Origin")
        if request.method in _SAFE or origin is None or "*" in origins or origin in origins:
            return
        if not _is_own(origin, host or ""):
            raise ForeignOrigin(f"origin {origin[:100]!r} is not allowed; AMP_CORS_ORIGINS names those that are")


def _is_known(host: str, known: Collection[str]) -> bool:
    found = authority_of(host)
    if found is None:
        return False
    name = found[0].lower().rstrip(".")
    return name in known or _is_address(name.strip("[]"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_own(origin: str, host: str) -> bool:
    scheme, separator, own = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not separator or port is None:
        return False
    return own.removesuffix(f":{port}") == host.lower().removesuffix(f":{port}")
