"""The reverse index of the store: which assets there are, by type and by project, without ever scanning a table."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class IdPage:
    ids: tuple[UUID, ...]
    #: Hand it back to go on after this page; None: there is no more.
    position: str | None


class AssetListing(Protocol):
    """Superset of the truth: a listed id may have no head (yet), or one that disagrees; readers check.

    Every asset whose head exists is listed. Pages go by creation time (to the second or coarser), then in a fixed
    order; an id present during the whole of a walk comes exactly once.
    """

    def page(self, *, type_name: str | None, project: str | None, position: str | None, limit: int) -> IdPage:
        """Up to `limit` ids of assets of that type, or of that project, or of all when both are None; not both.

        A page may be shorter than `limit`, even empty, while `position` is not None.

        :raises BadCursor: `position` is not one this method gave.
        :raises StoreUnavailable: the store does not answer.
        """
        ...
