"""Rejects requests that a web page makes without its user's consent: DNS rebinding, and writes from foreign origins."""

import ipaddress
from collections.abc import Collection

from flask import Flask, request

from amp.addresses import authority_of
from amp.api.errors import ForeignOrigin, UnknownHost

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


def check_origins(app: Flask, hosts: Collection[str], origins: Collection[str]) -> None:
    """Accept requests only to the names in `hosts`, to localhost, and to IP addresses, which no DNS entry can redirect.
    Requests that write are rejected if their origin is neither the requested host nor in `origins`. `*` in `hosts` or
    `origins` turns the respective check off. Clients other than browsers do not send `Origin`.
    """
    known = _LOCAL_NAMES | {host.lower().rstrip(".") for host in hosts}

    @app.before_request
    def check() -> None:
        host = request.headers.get("Host")
        if host is not None and "*" not in known and not _is_known(host, known):
            raise UnknownHost(f"host {host[:100]!r} is not served; to serve it, add it to AMP_ALLOWED_HOSTS")
        origin = request.headers.get("Origin")
        if request.method in _SAFE_METHODS or origin is None or "*" in origins or origin in origins:
            return
        if not _is_same(origin, host or ""):
            raise ForeignOrigin(f"origin {origin[:100]!r} is not allowed; to allow it, add it to AMP_CORS_ORIGINS")


def _is_known(host: str, known: Collection[str]) -> bool:
    authority = authority_of(host)
    if authority is None:
        return False
    name = authority[0].lower().rstrip(".")
    return name in known or _is_address(name.strip("[]"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(origin: str, host: str) -> bool:
    scheme, separator, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    if not separator or port is None:
        return False
    return authority.removesuffix(f":{port}") == host.lower().removesuffix(f":{port}")
