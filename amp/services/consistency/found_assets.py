"""The assets that the selection of one job finds in another way than through the store's list, by day."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from amp.ports.found_ids import FoundIds

DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundAssets:
    """Stored, so that a process that takes over the job continues with them.

    All methods raise `StoreUnavailable` if the store does not answer; each may be called again.
    """

    ids: FoundIds
    job_id: UUID

    def add(self, day: int, ids: Collection[UUID]) -> None:
        """Add assets to this day. Adding one again changes nothing."""
        if ids:
            self.ids.add(self.job_id, day, ids)

    def page(self, day: int, after: str | None, limit: int) -> tuple[tuple[UUID, ...], str | None]:
        """Return up to `limit` assets of the day after this position (None: from the first), and the next position
        (None: there are no more)."""
        page = self.ids.page(self.job_id, day, None if after is None else UUID(after), limit)
        return page, str(page[-1]) if len(page) == limit else None

    def among(self, day: int, ids: Collection[UUID]) -> frozenset[UUID]:
        """Return those of these assets of the day that were added."""
        return self.ids.among(self.job_id, day, ids) if ids else frozenset()

    def first_day(self, day: int) -> int | None:
        """Return the first day, from this one on, that has such assets; None if there is none."""
        return self.ids.first_day(self.job_id, day)
