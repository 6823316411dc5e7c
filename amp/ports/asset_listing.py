"""The reverse index of the store: lists of asset ids by type and by project, read without scanning a table.

Each asset is on three *lists*: the list of all assets, the list of its type and the list of its project. An *orphan* is
a row that lists an id for which there is no asset.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.assets import Asset


@dataclass(frozen=True, slots=True)
class IdPage:
    ids: tuple[UUID, ...]
    #: Pass it to `page` to read the next page; None: this is the last page.
    position: str | None


@dataclass(frozen=True, slots=True)
class OrphanedListing:
    """A row that lists an id for which there is no asset."""

    list: str
    id: UUID
    written_ms: int


class AssetListing(Protocol):
    """The lists are a superset of the truth. A listed id may have no head (yet), or a head of another type or project,
    so the reader must check. Every asset that has a head is listed.

    Pages are ordered by creation time (to the second or coarser), then in a fixed order. An id that is listed while all
    pages are read is returned exactly once.
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
        """Return up to `limit` ids of assets of the given type or the given project, but not both; if both are None, of
        all assets. `from_ms` and `to_ms` restrict them to assets created in `[from_ms, to_ms)`; nothing outside that
        range is read.

        A page may be shorter than `limit`, even empty, while its position is not None.

        :raises BadCursor: `position` was not returned by this method.
        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def unlisted(self, assets: Sequence[Asset]) -> dict[UUID, tuple[str, ...]]:
        """Return the lists from which each of these assets is missing. Assets that are missing from none are left out.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def add(self, assets: Sequence[Asset]) -> None:
        """Put assets on their lists.

        :raises StoreUnavailable: some may be missing from their lists; call it again.
        """
        ...

    def orphans(
        self, ids: Collection[UUID], types: Collection[str], projects: Collection[str]
    ) -> list[OrphanedListing]:
        """Return the rows that list these ids, for which there is no asset, on the list of all assets and on the lists
        of these types and projects.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def drop(self, orphans: Sequence[OrphanedListing]) -> None:
        """Remove these rows, except rows that were written again after they were read.

        :raises StoreUnavailable: some rows may remain; call it again.
        """
        ...

    def remove(self, assets: Sequence[Asset]) -> None:
        """Remove purged assets from their lists. Assets that are on no list are ignored.

        :raises StoreUnavailable: some may still be listed; call it again.
        """
        ...
