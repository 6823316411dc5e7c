"""Claims the names of assets about to be created, so that one name makes one asset."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from amp.domain.assets import Asset, State, Version
from amp.domain.claims import Claim
from amp.domain.ids import created_ms
from amp.errors import (
    AlreadyExists,
    AmpError,
    AssetDeleted,
    Conflict,
    IdempotencyKeyReused,
    OutcomeUnknown,
    StoreUnavailable,
)
from amp.ports.asset_store import AssetStore
from amp.ports.claims import Claims
from amp.services.assets.creation import Creation
from amp.services.assets.release import RELEASING, NameRelease, external_key, is_borne

#: One per order, as far as it is decided.
Results = list[Asset | AmpError | None]
#: How often an external id is claimed, at most, whose holder turns out not to bear it.
_ROUNDS = 5
#: What no change of an asset touches.
_FIXED = ("created_by", "type", "project", "external_id")
_CONTENT = ("name", "metadata", "labels")


@dataclass(frozen=True, kw_only=True)
class NameClaims:
    """A claim whose asset was never written is completed by whoever comes next, under the claimed id. One whose asset
    bears another name is released first.
    """

    store: AssetStore
    claims: Claims
    releaser: NameRelease
    key_ttl_s: int

    def claim(self, plans: Sequence[Creation], results: Results) -> list[Creation]:
        """The plans still to carry out, some under another id; what others come to is in `results`.

        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        return self.claim_external_ids(self._claim_keys(plans, results), results)

    def claim_external_ids(self, plans: Sequence[Creation], results: Results) -> list[Creation]:
        """Those of the plans that may be carried out, over the heads they were made for; what others come to is in
        `results`. Claimed again before each attempt: a name may have been released since.

        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        ready = [plan for plan in plans if plan.order.draft.external_id is None]
        pending = [plan for plan in plans if plan.order.draft.external_id is not None]
        for _ in range(_ROUNDS):
            if not pending:
                return ready
            holders = self.claims.claim([_external_claim(plan) for plan in pending])
            own, others = _by_holder(pending, holders)
            pending = []
            for plan, holder in own:
                (ready if self._holds(plan, holder) else pending).append(plan)
            pending += self._resolve(others, results)
        for plan in pending:
            results[plan.position] = Conflict("the external id is being claimed by others; try again")
        return ready

    def release(self, plans: Sequence[Creation]) -> None:
        """Let go of the external ids of plans that were refused as their asset bears another name. What is not released
        now is when somebody else wants the name.
        """
        claims = [_external_claim(plan) for plan in plans if plan.order.draft.external_id is not None]
        try:
            self.releaser.release(claims)
        except StoreUnavailable:
            return

    def first_answers(self, plans: Sequence[tuple[Creation, UUID]]) -> Results:
        """For each plan and the asset its idempotency key stands for, what the first request with the key was answered,
        or would have been; the asset as it is now if its first version is no longer kept; None: it was never written.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self.store.heads([asset_id for _, asset_id in plans], settle=True) if plans else {}
        made = self.store.applied({id_: plan.change.after.change_id for plan, id_ in plans if id_ in heads})
        firsts = self.store.versions({asset_id: [1] for asset_id in heads}) if heads else {}
        return [
            _first_answer(plan.change.after, heads.get(asset_id), firsts.get((asset_id, 1)), made=asset_id in made)
            for plan, asset_id in plans
        ]

    def _claim_keys(self, plans: Sequence[Creation], results: Results) -> list[Creation]:
        """The plans still to carry out; those made under the same key before get their first answer again."""
        keyed = [(plan, plan.order.idempotency_key) for plan in plans if plan.order.idempotency_key is not None]
        holders = self.claims.claim([key.claim(plan.asset_id) for plan, key in keyed], self.key_ttl_s)
        ready = [plan for plan in plans if plan.order.idempotency_key is None]
        earlier = []
        for (plan, key), holder in zip(keyed, holders, strict=True):
            try:
                key.check(holder)
            except IdempotencyKeyReused as e:
                results[plan.position] = e
                continue
            if holder.holder_id == plan.asset_id:
                ready.append(plan)
            else:
                earlier.append((plan, holder.holder_id))
        for (plan, asset_id), answer in zip(earlier, self.first_answers(earlier), strict=True):
            if answer is None:
                plan.take_id(asset_id)
                ready.append(plan)
            elif not isinstance(answer, AlreadyExists):
                results[plan.position] = answer
            # The asset is another request's: the key was to stand for it, but that request was faster.
            elif self._move_key(plan, asset_id, plan.asset_id):
                ready.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(asset_id))
        return ready

    def _holds(self, plan: Creation, holder: Claim) -> bool:
        """Whether the plan's external id is its own for good; False: it is being released."""
        return holder.digest != RELEASING or self.claims.replace(holder, _external_claim(plan))

    def _resolve(self, taken: Sequence[tuple[Creation, Claim]], results: Results) -> list[Creation]:
        """The plans that may claim their external id again; what the others come to is in `results`."""
        heads = self.store.heads([holder.holder_id for _, holder in taken], settle=True) if taken else {}
        again, stale = [], []
        for plan, holder in taken:
            head, id_ = heads.get(holder.holder_id), holder.holder_id
            if head is not None and is_borne(holder, head):
                detail = f"external id {holder.key!r} belongs to asset {id_}"
                results[plan.position] = AlreadyExists(detail, id=str(id_), revision=head.revision)
            elif head is not None:
                stale.append(holder)
                again.append(plan)
            elif plan.order.draft.id is not None or _other_time(plan, id_):
                detail = f"the external id is claimed for asset {id_}, which was not written yet; ask for that id"
                results[plan.position] = Conflict(detail, id=str(id_))
            elif self._move_key(plan, plan.asset_id, id_):
                plan.take_id(id_)
                again.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(id_))
        self.releaser.release(stale)
        return again

    def _move_key(self, plan: Creation, from_id: UUID, to_id: UUID) -> bool:
        """Let the plan's idempotency key, if it has one, stand for another asset; False if others were faster."""
        key = plan.order.idempotency_key
        if key is None:
            return True
        self.claims.release(key.claim(from_id))
        [holder] = self.claims.claim([key.claim(to_id)], self.key_ttl_s)
        return holder.holder_id == to_id


def _by_holder(
    plans: Sequence[Creation], holders: Sequence[Claim]
) -> tuple[list[tuple[Creation, Claim]], list[tuple[Creation, Claim]]]:
    """The plans whose asset holds their external id, and those for which another does."""
    pairs = list(zip(plans, holders, strict=True))
    own = [(plan, holder) for plan, holder in pairs if holder.holder_id == plan.asset_id]
    return own, [(plan, holder) for plan, holder in pairs if holder.holder_id != plan.asset_id]


def _external_claim(plan: Creation) -> Claim:
    draft = plan.order.draft
    scope, key = external_key(draft.project, draft.external_id or "")
    return Claim(scope, key, plan.asset_id)


def _first_answer(wanted: Asset, head: Asset | None, first: Version | None, *, made: bool) -> Asset | AmpError | None:
    if head is None:
        return None
    if head.state is State.PURGED:
        return AssetDeleted("the asset made under this Idempotency-Key is gone")
    if not made:
        return AlreadyExists(f"asset {head.id} exists already", id=str(head.id), revision=head.revision)
    # The first version may be no longer kept; the asset itself is there all the same.
    answer, same = (head, _FIXED) if first is None else (_as_first_made(head, first), _FIXED + _CONTENT)
    if any(getattr(wanted, name) != getattr(answer, name) for name in same):
        # Purged since; the id is that of an asset which somebody else made.
        return AssetDeleted("the asset made under this Idempotency-Key is gone")
    return answer


def _as_first_made(head: Asset, first: Version) -> Asset:
    """The asset as the answer to its creation showed it."""
    return replace(
        head,
        type_version=first.type_version,
        name=first.name,
        metadata=first.metadata,
        labels=first.labels,
        version=first.version,
        revision=first.revision,
        state=State.ACTIVE,
        updated_ms=first.updated_ms,
        updated_by=first.updated_by,
    )


def _other_time(plan: Creation, holder_id: UUID) -> bool:
    """The draft asks for a creation time that the claimed id does not have."""
    wanted_ms = plan.order.draft.created_ms
    return wanted_ms is not None and wanted_ms != created_ms(holder_id)
