"""Addresses of servers: validated as a whole before they are used, and displayed without their secrets."""

import re
from collections.abc import Collection
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, urlsplit

MASK = "********"
_MAX_PORT = 65_535
_NAME = r"[\w.-]{1,253}"
#: Host and port, as in a URL and in the header `Host`.
_AUTHORITY = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|{_NAME})(?::([0-9]{{1,5}}))?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}")


def split_host(text: str, default_port: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port` or an IPv6 address, which is in brackets if a port follows.

    :raises ValueError: `text` is none of these; the message does not repeat it, because it may contain a password.
    """
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")) or text.endswith("]"):
        host, port = text, str(default_port)
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= _MAX_PORT:
        raise ValueError(f"has a port that is not a number from 1 to {_MAX_PORT}")
    if host.startswith("[") and host.endswith("]") and ":" in host:
        host = host[1:-1]
    check_host(host)
    return host, int(port)


def check_host(host: str) -> None:
    """Accept a host name or an IP address.

    :raises ValueError: `host` is neither.
    """
    try:
        is_valid = bool(IPv6Address(host)) if ":" in host else is_host_name(host)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("is not a host name or an IP address")


def is_host_name(text: str) -> bool:
    """Return whether `text` is a host name or an IPv4 address."""
    try:
        return bool(re.fullmatch(_NAME, text) and text.encode("idna"))
    except ValueError:
        return False


def authority_of(text: str) -> tuple[str, str | None] | None:
    """Return the host and the digits of the port (None: no port) of `host` or `host:port`, where an IPv6 address is in
    brackets. Return None if `text` is neither.
    """
    match = _AUTHORITY.fullmatch(text)
    return None if match is None else (match[1], match[2])


def check_url(
    text: str, schemes: Collection[str], *, options: Collection[str] = (), path: str = r"/?|/[^@]*"
) -> SplitResult:
    """Return the parts of a URL with a valid host and port. `options` are the query parameters it may have, and `path`
    is the pattern of its path.

    :raises ValueError: `text` is not such a URL; the message does not repeat it, because it may contain a password.
    """
    prefixes = " or ".join(f"{scheme}://" for scheme in schemes)
    if any(character.isspace() for character in text):
        raise ValueError("is not a URL: it contains spaces")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(f"is not a URL whose port is a number from 1 to {_MAX_PORT}") from None
    if url.scheme not in schemes:
        raise ValueError(f"is not a URL that begins with {prefixes}")
    if url.scheme != "unix":
        check_host(url.hostname or "")
    if port == 0:
        raise ValueError(f"has a port that is not a number from 1 to {_MAX_PORT}")
    if url.fragment or not re.fullmatch(path, url.path):
        raise ValueError("has a path that is not accepted here; in a password, write / as %2F, # as %23 and ? as %3F")
    if url.query and not options:
        raise ValueError("takes no options after a question mark; in a password, write ? as %3F")
    unknown = {name for name, _ in parse_qsl(url.query, keep_blank_values=True)} - set(options)
    if unknown:
        # The message does not name it, because it may be the end of a password.
        raise ValueError(f"has an unknown option after the question mark; use only {', '.join(sorted(options))}")
    return url


def masked(text: str) -> str:
    """Return an address, or several comma-separated ones, with user, password and the values of options masked.

    A text that cannot be parsed is masked as a whole, because it is unknown where a secret in it begins and ends.
    """
    parts = [_masked(part.strip()) for part in text.split(",")]
    return MASK if None in parts else ",".join(part or "" for part in parts)


def _masked(text: str) -> str | None:
    if "://" not in text:
        return None if re.search(r"[^\w.:\[\]%-]", text) else text
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    if not _SCHEME.fullmatch(url.scheme) or url.fragment or "@" in url.path + url.query:
        return None
    if url.netloc and not url.hostname:
        return None
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
    user = f"{MASK}@" if "@" in url.netloc else ""
    options = "&".join(_masked_option(option) for option in url.query.split("&")) if url.query else ""
    address = f"{url.scheme}://{user}{host}" + (f":{port}" if port is not None else "") + url.path
    return address + (f"?{options}" if options else "")


def _masked_option(option: str) -> str:
    name, equals, _ = option.partition("=")
    return f"{name}={MASK}" if equals and re.fullmatch(r"\w+", name) else MASK
