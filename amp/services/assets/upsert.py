"""Creates the asset with an external id, or replaces it where there is one."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from amp.domain.assets import Asset
from amp.domain.changes import Draft
from amp.domain.preconditions import Precondition
from amp.domain.principals import Principal
from amp.errors import AlreadyExists, AssetNotFound, Conflict, RevisionMismatch
from amp.services.assets.create import AssetCreation
from amp.services.assets.creation import CreateRequest
from amp.services.assets.edit import ATTEMPTS, AssetEditing, NewContent
from amp.services.assets.read import AssetReader
from amp.services.assets.release import has_external_id


@dataclass(frozen=True, kw_only=True)
class AssetUpsert:
    """Creates or replaces the asset with an external id. If the external id is taken when the asset is created, the
    asset is replaced instead.
    """

    asset_creation: AssetCreation
    asset_editing: AssetEditing
    reader: AssetReader

    def put(
        self,
        project: str,
        external_id: str,
        *,
        draft: Callable[[], Draft],
        edit: Callable[[Asset], NewContent],
        precondition: Precondition,
        principal: Principal,
    ) -> tuple[Asset, bool]:
        """Create or replace the asset. Return it and whether it is new. `draft` is called only if there is none.

        :raises AmpError: it could not be created or replaced.
        """

        def edit_named(before: Asset) -> NewContent:
            # The asset may have been purged and its id used again meanwhile.
            if not has_external_id(before, project, external_id):
                raise AssetNotFound(f"asset {before.id} no longer has this external id")
            return edit(before)

        for _ in range(ATTEMPTS):
            found = self.reader.by_external_id(project, external_id, principal)
            if found is None:
                if not precondition.holds(None):
                    raise RevisionMismatch("there is no such asset, and If-Match requires one")
                try:
                    return self.asset_creation.create(CreateRequest(draft()), principal), True
                except AlreadyExists as e:
                    found = self.reader.by_external_id(project, external_id, principal)
                    if found is None or found.id != e.asset_id:
                        raise
            with contextlib.suppress(AssetNotFound):
                return self.asset_editing.edit(found.id, edit_named, precondition, principal), False
        raise Conflict("other requests are claiming the external id; try again")
