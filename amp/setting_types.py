"""The types of setting values, each with its bounds."""

import re
import ssl
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from amp.addresses import authority_of, check_host, check_url, is_host_name, split_host

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_MAX_PORT = 65535
#: The options that a Redis URL may have, with the pattern of their values.
_REDIS_OPTIONS = {
    "username": ".+",
    "password": ".+",
    "db": "[0-9]{1,5}",
    "client_name": "[!-~]+",
    "ssl_cert_reqs": "none|optional|required",
}


def at_most(limit: int) -> Any:
    """Return the bounds of a count: from 1 to `limit`."""
    return Field(ge=1, le=limit)


def _items(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [[half.strip() for half in part.split(":")] for part in value.split(",") if part.strip()]
    if any(len(pair) != 2 or not pair[0] for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
        raise ValueError("takes comma-separated pairs like dc1:3,dc2:3, each data centre once")
    return dict(pairs)


def _checked_host(value: str) -> str:
    check_host(value)
    return value


def _checked_server(value: str) -> str:
    check_url(value, ("http", "https"))
    return value


def _checked_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        # A browser sends the ASCII form of a name.
        if host != "*" and not (host.isascii() and is_host_name(host)):
            raise ValueError(f"{host[:100]!r} is not a host name; use names without a port, or *")
    return hosts


def _checked_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if origin == "*":
            continue
        scheme, _, rest = origin.partition("://")
        authority = authority_of(rest)
        if authority is None or not _SCHEME.fullmatch(scheme):
            raise ValueError("takes *, or comma-separated origins like https://example.org:8443, without a path")
        if authority[1] is not None and not 1 <= int(authority[1]) <= _MAX_PORT:
            raise ValueError(f"has a port that is not a number from 1 to {_MAX_PORT}")
    return value


def _checked_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("contains no host; it takes host:port, comma-separated")
    for host in value:
        split_host(host, 9042)
    return value


def _checked_brokers(value: str) -> str:
    for broker in value.split(","):
        split_host(broker.strip(), 9092)
    return value


def _checked_nodes(value: str) -> str:
    urls = [check_url(node.strip(), ("http", "https")) for node in value.split(",")]
    if any(url.port is None and url.scheme == "http" for url in urls):
        raise ValueError("has a URL without a port; it takes URLs like http://host:9200, comma-separated")
    return value


def _checked_cache(value: str) -> str:
    path = r"/.+" if value.startswith("unix:") else r"/?|/[0-9]{1,5}"
    url = check_url(value, ("redis", "rediss", "unix"), options=_REDIS_OPTIONS, path=path)
    for name, text in parse_qsl(url.query, keep_blank_values=True):
        if not re.fullmatch(_REDIS_OPTIONS[name], text) or (name.startswith("ssl_") and url.scheme != "rediss"):
            raise ValueError(f"has an invalid value for the option {name}")
    return value


def _checked_file(value: Path) -> Path:
    try:
        if not value.is_file():
            raise ValueError("is not a file")
        ssl.create_default_context(cafile=value)
    except OSError as e:
        raise ValueError(f"is not a file of certificates in PEM format: {e.strerror or e}") from e
    return value


def _named_folder(value: object) -> object:
    if value == "":
        raise ValueError("is empty; it takes the path of a folder")
    return value


Seconds = Annotated[float, Field(ge=0.001, le=86_400, allow_inf_nan=False)]
#: How long something is kept, in seconds, up to ten years.
RetentionSeconds = Annotated[float, Field(ge=0, le=3_650 * 86_400, allow_inf_nan=False)]
#: A rate per second, with the bounds that the API also has.
Rate = Annotated[float, Field(ge=0.1, le=1e9, allow_inf_nan=False)]
#: A part of a whole.
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, at_most(1_000_000_000)]
Bytes = Annotated[int, at_most(1 << 50)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Host = Annotated[str, AfterValidator(_checked_host)]
ServerUrl = Annotated[str, AfterValidator(_checked_server)]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items), AfterValidator(_checked_names)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items), AfterValidator(_checked_origins)]
CassandraHosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items), AfterValidator(_checked_hosts)]
Replication = Annotated[dict[str, Annotated[int, at_most(1_000)]], NoDecode, BeforeValidator(_pairs)]
KafkaBrokers = Annotated[str, AfterValidator(_checked_brokers)]
ElasticsearchUrls = Annotated[str, AfterValidator(_checked_nodes)]
RedisUrl = Annotated[str, AfterValidator(_checked_cache)]
CaFile = Annotated[Path, AfterValidator(_checked_file)]
Folder = Annotated[Path, BeforeValidator(_named_folder)]
