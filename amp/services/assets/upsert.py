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
from amp.services.assets.release import bears


@dataclass(frozen=True, kw_only=True)
class AssetUpsert:
    """Whoever finds the external id taken on creating it goes on to replace."""

    creator: AssetCreation
    changer: AssetEditing
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
        """The asset, and whether it is new; `draft` is asked for only where there is none.

        :raises AmpError: whatever kept it from being created or replaced.
        """

        def edit_named(before: Asset) -> NewContent:
            # Purged and created again meanwhile, the id may be another asset's.
            if not bears(before, project, external_id):
                raise AssetNotFound(f"asset {before.id} does not bear this name any more")
            return edit(before)

        for _ in range(ATTEMPTS):
            found = self.reader.by_external_id(project, external_id)
            if found is None:
                if not precondition.holds(None):
                    raise RevisionMismatch("there is no such asset yet, and If-Match requires one")
                try:
                    return self.creator.create(CreateRequest(draft()), principal), True
                except AlreadyExists as e:
                    found = self.reader.by_external_id(project, external_id)
                    if found is None or str(found.id) != e.context.get("id"):
                        raise
            with contextlib.suppress(AssetNotFound):
                return self.changer.edit(found.id, edit_named, precondition, principal), False
        raise Conflict("the external id is being claimed by others; try again")
