"""Releases names whose asset does not have them: a claim is a hint, the head decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amp.domain.assets import Asset, State
from amp.domain.claims import Claim
from amp.ports.asset_store import AssetStore
from amp.ports.claims import Claims

_EXTERNAL = "external-id:"
#: The digest of a claim of an external id that is being released.
RELEASING = "releasing"


def external_key(project: str, external_id: str) -> tuple[str, str]:
    """Return the (scope, key) under which an external id is claimed in its project."""
    return f"{_EXTERNAL}{project}", external_id


def is_external(claim: Claim) -> bool:
    """Return whether this is the claim of an external id."""
    return claim.scope.startswith(_EXTERNAL)


def project_of(claim: Claim) -> str:
    """Return the project in whose scope an external id is claimed."""
    return claim.scope.removeprefix(_EXTERNAL)


def has_external_id(head: Asset | None, project: str, external_id: str) -> bool:
    """Return whether the head is of an asset with this external id."""
    if head is None or head.state is State.PURGED:
        return False
    return (head.project, head.external_id) == (project, external_id)


def matches_claim(claim: Claim, head: Asset | None) -> bool:
    """Return whether the asset has the claimed external id."""
    return has_external_id(head, project_of(claim), claim.key)


@dataclass(frozen=True, kw_only=True)
class NameRelease:
    """Releases external ids. A creation on top of a purged head may be about to write the name when it is released.
    Therefore the claim is marked first, and a purged head is changed while the claim is marked: creations that began
    before are refused then, and later ones remove the mark.
    """

    store: AssetStore
    claims: Claims

    def release(self, claims: Sequence[Claim]) -> None:
        """Release those of the external ids whose asset exists and does not have them. A purged asset is stripped
        first.

        :raises StoreUnavailable: some may still be held; release them again.
        """
        marked = [mark for claim in claims if (mark := self._mark(claim)) is not None]
        ids = [claim.holder_id for claim in marked]
        heads = self.store.heads(ids, settle=True) if ids else {}
        if purged := [head for head in heads.values() if head.state is State.PURGED]:
            self.store.strip(purged)
            heads |= self.store.heads([head.id for head in purged], settle=True)
        for claim in marked:
            head = heads.get(claim.holder_id)
            if head is None or matches_claim(claim, head):
                self.claims.replace(claim, replace(claim, digest=""))
            else:
                self.claims.release(claim)

    def _mark(self, claim: Claim) -> Claim | None:
        """Mark the claim, and return the marked one. Return None if another claim holds the name by now."""
        mark = replace(claim, digest=RELEASING)
        return mark if mark == claim or self.claims.replace(claim, mark) else None
