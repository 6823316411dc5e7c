"""Compares the claims of external ids with the heads of their assets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from amp.domain.assets import Asset
from amp.domain.claims import Claim
from amp.domain.selectors import Selector
from amp.ports.asset_store import AssetReads
from amp.ports.claims import Claims
from amp.services.assets.release import external_key, is_external, matches_claim, project_of


@dataclass(frozen=True, kw_only=True)
class NameComparison:
    store: AssetReads
    claims: Claims

    def walk(self, selector: Selector, position: str | None, limit: int) -> tuple[tuple[UUID, ...], str | None]:
        """Read the next `limit` claims. Return the assets whose claim does not match their name, and the position for
        the next call (None: the walk has ended). The mismatched claims are listed by asset from then on.

        :raises StoreUnavailable: the store does not answer.
        """
        page = self.claims.page(position, limit)
        claims = [claim for claim in page.claims if is_external(claim)]
        heads = self.store.heads({claim.holder_id for claim in claims}) if claims else {}
        wrong = [
            claim
            for claim in claims
            if (head := heads.get(claim.holder_id)) is not None
            and not matches_claim(claim, head)
            and selector.project in (None, head.project, project_of(claim))
        ]
        self.claims.list_by_asset(wrong)
        return tuple(dict.fromkeys(claim.holder_id for claim in wrong)), page.position

    def misleading(self, heads: Mapping[UUID, Asset]) -> list[Claim]:
        """Return the listed claims that lead to these assets although they do not have the external id.

        :raises StoreUnavailable: the store does not answer.
        """
        listed = self.claims.of_assets(heads.keys())
        return [claim for claim in listed if is_external(claim) and not matches_claim(claim, heads[claim.holder_id])]

    def unclaimed(self, heads: Collection[Asset]) -> list[Claim]:
        """Return the claims that should lead to these assets and do not.

        :raises StoreUnavailable: the store does not answer.
        """
        wanted = [
            Claim(*external_key(head.project, head.external_id), head.id)
            for head in heads
            if head.external_id is not None
        ]
        holders = self.claims.holders([(claim.scope, claim.key) for claim in wanted])
        pairs = zip(wanted, holders, strict=True)
        return [claim for claim, holder in pairs if holder is None or holder.holder_id != claim.holder_id]


def display_name(claim: Claim) -> str:
    """Return the external id and its project as text for people."""
    return f"{claim.key!r} of project {project_of(claim)!r}"
