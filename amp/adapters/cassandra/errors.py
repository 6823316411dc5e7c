"""The one place where the driver's errors become AMP's."""

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

#: The request itself is at fault: it was not executed, and trying again cannot help.
_REFUSALS = (RequestValidationException, SyntaxException)
#: How Cassandra says that a keyspace, a table or a column is not there.
_MISSING = ("does not exist", "unconfigured table", "undefined column", "undefined name")
#: The protocol's code of that reason.
_TOO_MANY_TOMBSTONES = 0x0001


class TooManyTombstones(StoreUnavailable):
    """The range holds more tombstones than one read may pass."""


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except DRIVER_ERRORS as e:
        raise translation(e) from e


def translation(error: BaseException) -> AmpError:
    """The error of ours that stands for a driver's."""
    text = str(error)
    if isinstance(error, InvalidRequest) and any(words in text.lower() for words in _MISSING):
        return NotMigrated(f"{NotMigrated.__doc__} ({text})")
    if isinstance(error, _REFUSALS):
        return AmpError(f"Cassandra refuses the request: {text}")
    if isinstance(error, ReadFailure) and _TOO_MANY_TOMBSTONES in (error.error_code_map or {}).values():
        return TooManyTombstones(f"{TooManyTombstones.__doc__} ({text[:500]})")
    if isinstance(error, NoHostAvailable) and error.errors:
        text = "; ".join(f"{host}: {reason}" for host, reason in error.errors.items())
    return StoreUnavailable(f"{StoreUnavailable.__doc__} ({type(error).__name__}: {text[:500]})")


def was_never_executed(error: BaseException) -> bool:
    """Whether the request surely had no effect and will have none: refused as it stands, or sent to no server."""
    if isinstance(error, NoHostAvailable):
        return all(isinstance(reason, NoConnectionsAvailable) for reason in error.errors.values())
    return isinstance(error, _REFUSALS)
