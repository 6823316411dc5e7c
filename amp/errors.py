"""The tree of everything AMP raises on purpose; the docstring of a class is its default message.

Whether trying again can help is in the type (`Retryable`), never in the text. HTTP codes live in
`amp.api.errors` alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class AmpError(Exception):
    """Something went wrong in AMP."""

    def __init__(self, message: str | None = None, **context: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.context = context
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in the input and what is wrong there."""

    pointer: str  #: JSON pointer into the body (RFC 6901), "" for the whole
    detail: str


class Invalid(AmpError):
    """The input is not valid."""

    def __init__(self, message: str | None = None, faults: Sequence[Fault] = (), **context: Any) -> None:
        super().__init__(message, **context)
        self.faults = tuple(faults)


class Unprocessable(Invalid):
    """The input does not fit its type or the limits."""


class BadQuery(Invalid):
    """The query can't be answered as it stands."""


class BadCursor(BadQuery):
    """The cursor is not one of this query and caller."""


class InvalidId(Invalid):
    """The asset id is not a time-UUID."""


class TooLarge(Invalid):
    """The input is larger than what is allowed."""


class NotFound(AmpError):
    """There is nothing by that name."""


class AssetNotFound(NotFound):
    """There is no asset with that id."""


class TypeNotFound(NotFound):
    """There is no asset type with that name."""


class VersionNotFound(NotFound):
    """There is no such version."""


class BucketNotFound(NotFound):
    """There is no time bucket of that name."""


class JobNotFound(NotFound):
    """There is no job with that id."""


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""


class AssetDeleted(AmpError):
    """The asset is deleted."""


class Conflict(AmpError):
    """The change conflicts with what is there."""


class RevisionMismatch(Conflict):
    """The asset is not as If-Match or If-None-Match require."""


class AlreadyExists(Conflict):
    """It exists already."""


class IncompatibleType(Conflict):
    """The new version of the type is not compatible with the one before."""

    def __init__(self, message: str | None = None, faults: Sequence[Fault] = (), **context: Any) -> None:
        super().__init__(message, **context)
        self.faults = tuple(faults)


class IdempotencyKeyReused(Unprocessable):
    """The idempotency key was used with another body."""


class Retryable(AmpError):
    """A passing fault: the same call may succeed later."""

    retry_after_s: int = 1


class StoreUnavailable(Retryable):
    """The store does not answer."""


class OutcomeUnknown(Retryable):
    """The outcome of the write is unknown; repeat it with the same Idempotency-Key or If-Match."""


class SearchUnavailable(Retryable):
    """The search index does not answer."""


class BucketsMissing(SearchUnavailable):
    """The search index holds fewer buckets than the bucket map says."""


class QueueUnavailable(Retryable):
    """The event queue does not answer."""


class IndexingStalled(Retryable):
    """The index workers are not getting on with what they have to do."""


class CacheUnavailable(Retryable):
    """The cache does not answer."""


class Overloaded(Retryable):
    """The service has too much to do at the moment."""


class NotMigrated(AmpError):
    """What the service needs does not exist yet: run `amp migrate`."""


class BadSetting(AmpError):
    """A setting has a value that is not accepted."""


class DataDirLocked(AmpError):
    """Another process holds the data folder."""


class NoData(AmpError):
    """There is no data folder yet."""
