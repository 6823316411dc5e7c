"""The one place that translates errors of the Cassandra driver."""

from collections.abc import Iterator
from contextlib import contextmanager

# The driver comes without types.
from cassandra import (  # type: ignore[import-untyped]
    DriverException,
    InvalidRequest,
    ReadFailure,
    RequestValidationException,
)
from cassandra.cluster import NoHostAvailable  # type: ignore[import-untyped]
from cassandra.connection import ConnectionException  # type: ignore[import-untyped]
from cassandra.pool import NoConnectionsAvailable  # type: ignore[import-untyped]
from cassandra.protocol import ErrorMessage, SyntaxException  # type: ignore[import-untyped]

from amp.errors import AmpError, NotMigrated, StoreUnavailable

DRIVER_ERRORS = (DriverException, NoHostAvailable, ConnectionException, NoConnectionsAvailable, ErrorMessage)

#: The request itself is wrong. It was not executed, and a retry cannot help.
_REJECTIONS = (RequestValidationException, SyntaxException)
#: Words by which Cassandra reports that a keyspace, a table or a column does not exist.
_MISSING = ("does not exist", "unconfigured table", "undefined column", "undefined name")
#: The code of this reason in Cassandra's protocol.
_TOO_MANY_TOMBSTONES = 0x0001


class TooManyTombstones(StoreUnavailable):
    """The range has more tombstones than one read may scan."""


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of the driver, as described in `translation`."""
    try:
        yield
    except DRIVER_ERRORS as e:
        raise translation(e) from e


def translation(error: BaseException) -> AmpError:
    """Return AMP's error for an error of the driver: `NotMigrated`, `TooManyTombstones`, `AmpError` if the request is
    wrong, otherwise `StoreUnavailable`.
    """
    text = str(error)
    if isinstance(error, InvalidRequest) and any(words in text.lower() for words in _MISSING):
        return NotMigrated(f"{NotMigrated.__doc__} ({text})")
    if isinstance(error, _REJECTIONS):
        return AmpError(f"Cassandra rejects the request: {text}")
    if isinstance(error, ReadFailure) and _TOO_MANY_TOMBSTONES in (error.error_code_map or {}).values():
        return TooManyTombstones(f"{TooManyTombstones.__doc__} ({text[:500]})")
    if isinstance(error, NoHostAvailable) and error.errors:
        text = "; ".join(f"{host}: {reason}" for host, reason in error.errors.items())
    return StoreUnavailable(f"{StoreUnavailable.__doc__} ({type(error).__name__}: {text[:500]})")


def was_never_executed(error: BaseException) -> bool:
    """Return whether it is certain that the request has no effect: it was rejected, or was not sent to any server."""
    if isinstance(error, NoHostAvailable):
        return all(isinstance(reason, NoConnectionsAvailable) for reason in error.errors.values())
    return isinstance(error, _REJECTIONS)
