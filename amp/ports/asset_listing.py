"""The reverse index of the store: which assets there are, by type and by project, without ever scanning a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.assets import Asset


@dataclass(frozen=True, slots=True)
class IdPage:
    ids: tuple[UUID, ...]
    #: Hand it back to go on after this page; None: there is no more.
    position: str | None


@dataclass(frozen=True, slots=True)
class OrphanedListing:
    """A row that lists an id."""

    list: str
    id: UUID
    written_ms: int


class AssetListing(Protocol):
    """Superset of the truth: a listed id may have no head (yet), or one that disagrees; readers check.

    Every asset whose head exists is listed. Pages go by creation time (to the second or coarser), then in a fixed
    order; an id present during the whole of a walk comes exactly once.
    """

    def page(
        self,
        *,
        type_name: str | None = None,
        project: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        position: str | None,
        limit: int,
    ) -> IdPage:
        """Up to `limit` ids of assets of that type, or of that project, or of all when both are None; not both. With
        `from_ms` and `to_ms` only of those created in `[from_ms, to_ms)`, without looking at what lies outside.

        A page may be shorter than `limit`, even empty, while `position` is not None.

        :raises BadCursor: `position` is not one this method gave.
        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def unlisted(self, assets: Sequence[Asset]) -> dict[UUID, tuple[str, ...]]:
        """The lists that each of these assets should be on and is not; assets that are on all of theirs left out.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def add(self, assets: Sequence[Asset]) -> None:
        """Put assets on their lists.

        :raises StoreUnavailable: some may be missing; add them again.
        """
        ...

    def orphans(
        self, ids: Collection[UUID], types: Collection[str], projects: Collection[str]
    ) -> list[OrphanedListing]:
        """Rows that list these ids, which have no asset, among all, these types and these projects.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def drop(self, orphans: Sequence[OrphanedListing]) -> None:
        """Remove these rows, but not those written anew since.

        :raises StoreUnavailable: some may be left; drop them again.
        """
        ...

    def remove(self, assets: Sequence[Asset]) -> None:
        """Take purged assets off their lists; those that are on none are passed over.

        :raises StoreUnavailable: some may be left; remove them again.
        """
        ...
