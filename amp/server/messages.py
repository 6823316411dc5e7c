"""Requests and responses as the server passes them between connections and the API, and the limits of both."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from amp.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Limits on what a client may use of the server: time, in seconds, and memory, in bytes."""

    head_s: float
    body_s: float
    answer_s: float
    idle_s: float
    body_bytes: int
    connections: int
    buffered_bytes: int


def limits_of(settings: Settings) -> HttpLimits:
    return HttpLimits(
        head_s=settings.head_timeout_s,
        body_s=settings.body_timeout_s,
        answer_s=settings.answer_timeout_s,
        idle_s=settings.idle_timeout_s,
        # The JSON of a single asset may be larger than the asset, because of whitespace and escapes. The API knows
        # which of the two limits applies to a route.
        body_bytes=max(settings.max_bulk_bytes, 2 * settings.max_asset_bytes),
        connections=settings.max_connections,
        buffered_bytes=settings.max_buffered_bytes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A complete request. `target` is in origin form: it begins with a slash and has the client's encoding."""

    method: str
    target: str
    http_version: str
    headers: tuple[tuple[bytes, bytes], ...]  #: names in lower case
    body: bytes | None  #: None: the request does not announce a body
    client: tuple[str, int]
    server: tuple[str, int]

    @property
    def path(self) -> bytes:
        """The percent-decoded path."""
        return unquote_to_bytes(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
