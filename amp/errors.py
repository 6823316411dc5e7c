"""The tree of all errors that AMP raises on purpose. The docstring of a class is its default message.

The type says whether a retry can succeed (`Retryable`), never the text. Only `amp.api.errors` knows HTTP codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID


class AmpError(Exception):
    """Something went wrong in AMP."""

    def __init__(self, message: str | None = None, **context: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.context = context
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Fault:
    """A place in the input and what is wrong there."""

    pointer: str  #: JSON pointer into the body (RFC 6901); "" for the whole body
    detail: str


class Invalid(AmpError):
    """The input is not valid."""

    def __init__(self, message: str | None = None, faults: Sequence[Fault] = (), **context: Any) -> None:
        super().__init__(message, **context)
        self.faults = tuple(faults)

    @classmethod
    def at(cls, pointer: str, reason: str) -> Self:
        """Return an error with one fault, which the message repeats with its place."""
        return cls(f"{pointer}: {reason}", [Fault(pointer, reason)])


class Unprocessable(Invalid):
    """The input does not fit its type or the limits."""


class BadQuery(Invalid):
    """The query cannot be answered as it stands."""


class BadCursor(BadQuery):
    """The cursor does not belong to this query and principal."""


class InvalidId(Invalid):
    """The asset id is not a time-UUID."""


class TooLarge(Invalid):
    """The input is larger than allowed."""


class NotFound(AmpError):
    """There is nothing with this name."""


class AssetNotFound(NotFound):
    """There is no asset with this id."""


class TypeNotFound(NotFound):
    """There is no asset type with this name."""


class VersionNotFound(NotFound):
    """There is no such version."""


class BucketNotFound(NotFound):
    """There is no time bucket with this name."""


class JobNotFound(NotFound):
    """There is no job with this id."""


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""


class AssetDeleted(AmpError):
    """The asset is deleted."""


class Conflict(AmpError):
    """The change conflicts with the present state."""


class RevisionMismatch(Conflict):
    """The asset does not meet If-Match or If-None-Match."""


class AlreadyExists(Conflict):
    """The asset or the type exists already."""

    def __init__(self, message: str | None = None, *, asset_id: UUID | None = None, **context: Any) -> None:
        super().__init__(message, id=None if asset_id is None else str(asset_id), **context)
        self.asset_id = asset_id  #: the asset that exists; None if it is not an asset


class IncompatibleType(Conflict):
    """The new version of the type is not compatible with the one before."""

    def __init__(self, message: str | None = None, faults: Sequence[Fault] = (), **context: Any) -> None:
        super().__init__(message, **context)
        self.faults = tuple(faults)


class IdempotencyKeyReused(Unprocessable):
    """The idempotency key was used before with another body."""


class Retryable(AmpError):
    """A temporary failure: the same call may succeed later."""

    retry_after_s: int = 1


class StoreUnavailable(Retryable):
    """The store does not answer."""


class OutcomeUnknown(Retryable):
    """The outcome of the write is unknown; repeat it with the same Idempotency-Key or If-Match."""


class SearchUnavailable(Retryable):
    """The search index does not answer."""


class BucketsMissing(SearchUnavailable):
    """The search index has fewer buckets than the bucket map says."""


class QueueUnavailable(Retryable):
    """The message queue does not answer."""


class IndexingStalled(Retryable):
    """The index workers make no progress."""


class CacheUnavailable(Retryable):
    """The cache does not answer."""


class Overloaded(Retryable):
    """The service is overloaded."""


class NotMigrated(AmpError):
    """A component is not set up yet; run `amp migrate`."""


class BadSetting(AmpError):
    """A setting has a value that is not accepted."""


class DataDirLocked(AmpError):
    """Another process uses the data folder."""


class NoData(AmpError):
    """There is no data folder yet."""
