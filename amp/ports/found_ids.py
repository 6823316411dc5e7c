"""The asset ids that the selections of jobs find outside the store's lists, by day."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID


class FoundIds(Protocol):
    """A set of ids for each job and day. Days are counted since 1970."""

    def add(self, job_id: UUID, day: int, ids: Collection[UUID]) -> None:
        """Add ids to the set of the day. Adding an id again changes nothing.

        :raises StoreUnavailable: some may be missing; add them again.
        """
        ...

    def page(self, job_id: UUID, day: int, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        """Return up to `limit` ids of the day that follow `after` (None: from the first), in a fixed order. Fewer than
        `limit` are the last.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def among(self, job_id: UUID, day: int, ids: Collection[UUID]) -> frozenset[UUID]:
        """Return those of these ids that are in the set of the day.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def first_day(self, job_id: UUID, day: int) -> int | None:
        """Return the first day, from this one on, that has ids; None if there is none.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID) -> None:
        """Remove all ids of the job. Do nothing if there are none.

        :raises StoreUnavailable: some may remain.
        """
        ...
