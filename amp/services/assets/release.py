"""Releases names whose asset does not bear them: a claim is a hint, the head is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amp.domain.assets import Asset, State
from amp.domain.claims import Claim
from amp.ports.asset_store import AssetStore
from amp.ports.claims import Claims

_EXTERNAL = "external-id:"
#: The digest of an external id's claim that is about to be released.
RELEASING = "releasing"


def external_key(project: str, external_id: str) -> tuple[str, str]:
    """The (scope, key) under which an external id is claimed in its project."""
    return f"{_EXTERNAL}{project}", external_id


def is_external(claim: Claim) -> bool:
    """Whether it is the claim of an external id."""
    return claim.scope.startswith(_EXTERNAL)


def project_of(claim: Claim) -> str:
    """The project of an external id's claim."""
    return claim.scope.removeprefix(_EXTERNAL)


def bears(head: Asset | None, project: str, external_id: str) -> bool:
    """Whether there is an asset with that head, and its name is this one."""
    if head is None or head.state is State.PURGED:
        return False
    return (head.project, head.external_id) == (project, external_id)


def is_borne(claim: Claim, head: Asset | None) -> bool:
    """Whether the head is that of an asset with the external id that is claimed."""
    return bears(head, project_of(claim), claim.key)


@dataclass(frozen=True, kw_only=True)
class NameRelease:
    """A creation over a purged head may be about to write the name when it is released. So the claim is marked first,
    and a purged head is changed while it is marked: creations that began before are refused then, and later ones take
    the mark away.
    """

    store: AssetStore
    claims: Claims

    def release(self, claims: Sequence[Claim]) -> None:
        """Release those external ids, held as given, whose asset exists and does not bear them. From a purged asset
        everything is stripped that tells more than that there was one.

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
            if head is None or is_borne(claim, head):
                self.claims.replace(claim, replace(claim, digest=""))
            else:
                self.claims.release(claim)

    def _mark(self, claim: Claim) -> Claim | None:
        """None: it is held otherwise meanwhile."""
        mark = replace(claim, digest=RELEASING)
        return mark if mark == claim or self.claims.replace(claim, mark) else None
