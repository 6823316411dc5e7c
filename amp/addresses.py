"""Addresses of servers: checked as a whole before they are used, and displayed without the secrets in them."""

import re
from collections.abc import Collection
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, urlsplit

MASK = "********"
_MAX_PORT = 65_535
_NAME = r"[\w.-]{1,253}"
#: As in a URL and in the header `Host`.
_AUTHORITY = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|{_NAME})(?::([0-9]{{1,5}}))?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}")


def split_host(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, or an IPv6 address, in brackets where a port follows.

    :raises ValueError: it is none of these; the message does not repeat it, as it may hold a password.
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
    """:raises ValueError: it is neither a host name nor an IP address."""
    try:
        known = bool(IPv6Address(host)) if ":" in host else is_host_name(host)
    except ValueError:
        known = False
    if not known:
        raise ValueError("is not a host name or an IP address")


def is_host_name(text: str) -> bool:
    """Whether it is a host name, or an IPv4 address."""
    try:
        return bool(re.fullmatch(_NAME, text) and text.encode("idna"))
    except ValueError:
        return False


def authority_of(text: str) -> tuple[str, str | None] | None:
    """The host and the digits of the port, if there is one, of `host` or `host:port` with an IPv6 address in brackets;
    None: it is neither."""
    found = _AUTHORITY.fullmatch(text)
    return None if found is None else (found[1], found[2])


def check_url(
    text: str, schemes: Collection[str], *, options: Collection[str] = (), path: str = r"/?|/[^@]*"
) -> SplitResult:
    """The parts of a URL with a host and a port that exist; `options` are the query parameters it may have, `path` the
    pattern of its path.

    :raises ValueError: it is not one; the message does not repeat it, as it may hold a password.
    """
    known = " or ".join(f"{scheme}://" for scheme in schemes)
    if any(character.isspace() for character in text):
        raise ValueError("is not a URL: it holds blanks")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(f"is not a URL whose port is a number from 1 to {_MAX_PORT}") from None
    if url.scheme not in schemes:
        raise ValueError(f"is not a URL that begins with {known}")
    if url.scheme != "unix":
        check_host(url.hostname or "")
    if port == 0:
        raise ValueError(f"has a port that is not a number from 1 to {_MAX_PORT}")
    if url.fragment or not re.fullmatch(path, url.path):
        raise ValueError("has a path that means nothing here; in a password write / as %2F, # as %23 and ? as %3F")
    if url.query and not options:
        raise ValueError("takes no options after a question mark; in a password write ? as %3F")
    unknown = {name for name, _ in parse_qsl(url.query, keep_blank_values=True)} - set(options)
    if unknown:
        # Not named: what is taken for an option may be the end of a password.
        raise ValueError(f"has an unknown option after the question mark; there are {', '.join(sorted(options))}")
    return url


def masked(text: str) -> str:
    """An address, or several with commas between, without user, password and the values of options.

    What cannot be parsed is hidden as a whole: where a secret begins and ends in it nobody can tell.
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
    shown = f"{url.scheme}://{user}{host}" + (f":{port}" if port is not None else "") + url.path
    return shown + (f"?{options}" if options else "")


def _masked_option(option: str) -> str:
    name, equals, _ = option.partition("=")
    return f"{name}={MASK}" if equals and re.fullmatch(r"\w+", name) else MASK
