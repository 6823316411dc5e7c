"""Orders of assets on their way to creation: what was asked for, and the change that will carry it out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from amp.domain.assets import Asset, Change
from amp.domain.changes import Draft
from amp.services.commit_changes import BATCH


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """An idempotency key: whoever comes again with it gets the first answer."""

    scope: str  #: caller and route
    key: str
    digest: str  #: of the body


@dataclass(frozen=True, slots=True)
class Order:
    """One asset to create."""

    draft: Draft
    repeat_key: RepeatKey | None = None


@dataclass(slots=True)
class Plan:
    """An order on its way: where its result goes, and the change that will carry it out."""

    position: int
    order: Order
    asset_id: UUID
    change: Change

    def take_id(self, asset_id: UUID) -> None:
        """Create the asset under that id instead."""
        self.asset_id = asset_id
        self.change = replace(self.change, after=replace(self.change.after, id=asset_id))

    def continue_from(self, purged: Asset) -> None:
        """Create the asset at the revision after the purged one's last."""
        revision = purged.revision + 1
        after = replace(self.change.after, revision=revision, all_revision=revision)
        self.change = replace(self.change, before=purged, after=after)


def external_key(project: str, external_id: str) -> tuple[str, str]:
    """The (scope, key) under which an external id is claimed in its project."""
    return f"external-id:{project}", external_id


def without_rivals(plans: Sequence[Plan]) -> tuple[list[Plan], list[Plan]]:
    """A batch in which no two plans want the same id, external id or key, and the plans left for later."""
    now: list[Plan] = []
    later: list[Plan] = []
    wanted: set[object] = set()
    for plan in plans:
        draft, key = plan.order.draft, plan.order.repeat_key
        wants: set[object] = {plan.asset_id}
        if draft.external_id is not None:
            wants.add(external_key(draft.project, draft.external_id))
        if key is not None:
            wants.add((key.scope, key.key))
        if len(now) >= BATCH or wants & wanted:
            later.append(plan)
        else:
            now.append(plan)
            wanted |= wants
    return now, later
