"""Reads assets, their versions and lists of them from the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.assets import Asset, State, Version, content_bytes
from amp.domain.limits import PAGE_BYTES
from amp.domain.principals import Principal
from amp.errors import AssetNotFound, StoreUnavailable, VersionNotFound
from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetReads
from amp.ports.claims import Claims
from amp.services.assets.release import external_key, has_external_id

#: Assets or versions that are read before their size is known.
_READ_AT_ONCE = 20
#: Maximum attempts to read an asset that changes meanwhile.
_ATTEMPTS = 5
#: A page is short rather than read more than this number of pages for the few assets that are not deleted.
_MAX_READS = 40


@dataclass(frozen=True, kw_only=True)
class AssetReader:
    """Reads assets from the store. Results are never older than any write acknowledged before. Purged assets are not
    returned. Deleted ones are; the caller hides them.
    """

    store: AssetReads
    listing: AssetListing
    claims: Claims

    def get(self, asset_id: UUID, principal: Principal) -> Asset:  # noqa: ARG002
        """Return an asset.

        :raises AssetNotFound: there is no such asset.
        :raises StoreUnavailable: the store does not answer.
        """
        return self._get(asset_id)

    def get_some(self, ids: Sequence[UUID], principal: Principal) -> tuple[list[Asset], list[UUID]]:  # noqa: ARG002
        """Return the assets that exist, in order, and the ids that were not read because the answer would be too large
        or the store stopped answering.

        :raises StoreUnavailable: the store does not answer at all.
        """
        found: list[Asset] = []
        size = 0
        for begin in range(0, len(ids), _READ_AT_ONCE):
            if size >= PAGE_BYTES:
                return found, list(ids[begin:])
            try:
                some = [asset for asset in self._get_many(ids[begin : begin + _READ_AT_ONCE]) if asset is not None]
            except StoreUnavailable:
                if begin == 0:
                    raise
                return found, list(ids[begin:])
            size += sum(map(content_bytes, some))
            found += some
        return found, []

    def by_external_id(self, project: str, external_id: str, principal: Principal) -> Asset | None:  # noqa: ARG002
        """Return the asset with this external id, or None. The claim is only a hint; the head decides.

        :raises StoreUnavailable: the store does not answer.
        """
        [claim] = self.claims.holders([external_key(project, external_id)])
        head = self._get_many([claim.holder_id])[0] if claim else None
        return head if has_external_id(head, project, external_id) else None

    def version(self, asset_id: UUID, version: int, principal: Principal) -> tuple[Asset, Version]:  # noqa: ARG002
        """Return the head of an asset and one of its versions.

        :raises AssetNotFound, VersionNotFound: there is no such asset or version, or the version is no longer kept.
        :raises StoreUnavailable: the store does not answer.
        """

        def read() -> tuple[list[Version], bool]:
            return list(self.store.versions({asset_id: [version]}).values()), False

        head, found, _ = self._of_one_moment(asset_id, read)
        if not found:
            raise VersionNotFound(f"asset {asset_id} has no version {version}")
        return head, found[0]

    def versions(
        self,
        asset_id: UUID,
        below: int | None,
        limit: int,
        principal: Principal,  # noqa: ARG002
    ) -> tuple[Asset, list[Version], bool]:
        """Return the head of an asset, up to `limit` of its versions, newest first, and whether there are more. Return
        fewer than `limit` if they are large.

        :raises AssetNotFound: there is no such asset.
        :raises StoreUnavailable: the store does not answer.
        """
        return self._of_one_moment(asset_id, lambda: self._versions_below(asset_id, below, limit))

    def _versions_below(self, asset_id: UUID, below: int | None, limit: int) -> tuple[list[Version], bool]:
        found: list[Version] = []
        size = 0
        while True:
            wanted = min(_READ_AT_ONCE, limit - len(found))
            page = self.store.version_page(asset_id, found[-1].version if found else below, wanted + 1)
            found += page[:wanted]
            size += sum(map(content_bytes, page[:wanted]))
            more = len(page) > wanted
            if not more or len(found) >= limit or size >= PAGE_BYTES:
                return found, more

    def _get(self, asset_id: UUID) -> Asset:
        head = self._get_many([asset_id])[0]
        if head is None:
            raise AssetNotFound(f"there is no asset {asset_id}")
        return head

    def _get_many(self, ids: Sequence[UUID]) -> list[Asset | None]:
        """Return one asset for each id, in order; None where there is no such asset."""
        heads = self.store.heads(ids)
        return [head if head and head.state is not State.PURGED else None for head in map(heads.get, ids)]

    def _of_one_moment(
        self, asset_id: UUID, read: Callable[[], tuple[list[Version], bool]]
    ) -> tuple[Asset, list[Version], bool]:
        """Return the head and versions that are not newer than it. A version that is newer than the head that was read
        may belong to an asset with the same id that was created again after a purge.
        """
        for _ in range(_ATTEMPTS):
            head = self._get(asset_id)
            found, more = read()
            if all(version.revision <= head.revision for version in found):
                return head, found, more
        raise StoreUnavailable(f"asset {asset_id} kept changing while it was read")

    def list(
        self,
        *,
        type_name: str | None,
        project: str | None,
        position: str | None,
        limit: int,
        principal: Principal,  # noqa: ARG002
    ) -> tuple[list[Asset], str | None]:
        """Return a page of active assets of a type, of a project, or of all, and the position after it (None: the end).
        A page of large assets is short.

        :raises BadCursor: the position is not one of this list.
        :raises StoreUnavailable: the store does not answer.
        """
        found: list[Asset] = []
        # With both, the list of the type is read, which is usually the shorter one.
        by_project = project if type_name is None else None
        size = 0
        for _ in range(_MAX_READS):
            wanted = min(_READ_AT_ONCE, limit - len(found))
            page = self.listing.page(type_name=type_name, project=by_project, position=position, limit=wanted)
            heads = self.store.heads(page.ids)
            active = [
                head
                for head in map(heads.get, page.ids)
                if head is not None
                and head.state is State.ACTIVE
                and type_name in (None, head.type)
                and project in (None, head.project)
            ]
            found += active
            size += sum(map(content_bytes, active))
            position = page.position
            if position is None or len(found) >= limit or size >= PAGE_BYTES:
                break
        return found, position
