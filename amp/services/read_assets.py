"""Reads assets, their versions and lists of them from the store."""

from collections.abc import Sequence
from uuid import UUID

from amp.domain.assets import Asset, State, Version
from amp.errors import AssetNotFound, VersionNotFound
from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.claims import Claims
from amp.services.release_names import bears, external_key


class ReadAssets:
    """What it gives is never older than any write answered before. Purged assets are not there; deleted ones are, and
    it is the caller's to hide them."""

    def __init__(self, store: AssetStore, listing: AssetListing, claims: Claims) -> None:
        self._store = store
        self._listing = listing
        self._claims = claims

    def get(self, asset_id: UUID) -> Asset:
        """:raises AssetNotFound: there is none. :raises StoreUnavailable: the store does not answer."""
        found = self.get_many([asset_id])[0]
        if found is None:
            raise AssetNotFound(f"there is no asset {asset_id}")
        return found

    def get_many(self, ids: Sequence[UUID]) -> list[Asset | None]:
        """One per id, in order; None where there is none.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self._store.heads(ids)
        return [head if head and head.state is not State.PURGED else None for head in map(heads.get, ids)]

    def by_external_id(self, project: str, external_id: str) -> Asset | None:
        """The asset that bears the name: the claim only says which one may.

        :raises StoreUnavailable: the store does not answer.
        """
        [claim] = self._claims.holders([external_key(project, external_id)])
        head = self.get_many([claim.asset_id])[0] if claim else None
        return head if bears(head, project, external_id) else None

    def version(self, asset_id: UUID, version: int) -> tuple[Asset, Version]:
        """The asset's head and one of its versions.

        :raises AssetNotFound, VersionNotFound: there is none, or it is no longer kept.
        :raises StoreUnavailable: the store does not answer.
        """
        head = self.get(asset_id)
        found = self._store.versions({asset_id: [version]}).get((asset_id, version))
        if found is None:
            raise VersionNotFound(f"asset {asset_id} has no version {version}")
        return head, found

    def versions(self, asset_id: UUID, below: int | None, limit: int) -> tuple[Asset, list[Version], bool]:
        """The asset's head, up to `limit` of its versions, newest first, and whether there are more.

        :raises AssetNotFound: there is none.
        :raises StoreUnavailable: the store does not answer.
        """
        head = self.get(asset_id)
        found = self._store.version_page(asset_id, below, limit + 1)
        return head, found[:limit], len(found) > limit

    def list(
        self, *, type_name: str | None, project: str | None, position: str | None, limit: int
    ) -> tuple[list[Asset], str | None]:
        """A page of active assets of a type, of a project, or of all, and the position after it (None: at the end).

        :raises BadCursor: the position is none of this list.
        :raises StoreUnavailable: the store does not answer.
        """
        found: list[Asset] = []
        # By both, the type's list is walked, as the narrower one as a rule.
        by_project = project if type_name is None else None
        for _ in range(_PAGES_AT_MOST):
            page = self._listing.page(
                type_name=type_name, project=by_project, position=position, limit=limit - len(found)
            )
            heads = self._store.heads(page.ids)
            found += [
                head
                for head in map(heads.get, page.ids)
                if head is not None
                and head.state is State.ACTIVE
                and type_name in (None, head.type)
                and project in (None, head.project)
            ]
            position = page.position
            if position is None or len(found) >= limit:
                break
        return found, position


#: A list of mostly deleted assets gives short pages rather than walk on for ever.
_PAGES_AT_MOST = 20
