"""Claims external ids and idempotency keys before assets are created, so that each belongs to one asset."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from amp.ports.asset_store import AssetReads
from amp.ports.claims import Claims
from amp.services.assets.creation import Creation, already_exists
from amp.services.assets.release import RELEASING, NameRelease, external_key, matches_claim

#: Maximum attempts to claim an external id whose holder turns out not to have it.
_ROUNDS = 5
#: The fields that no change of an asset modifies.
_FIXED = ("created_by", "type", "project", "external_id")
_CONTENT = ("name", "metadata", "labels")


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The result of claiming the names of creations: each creation is either ready or has its result."""

    ready: list[Creation]  #: still to carry out, some under another id
    results: dict[int, Asset | AmpError] = field(default_factory=dict)  #: by the position of the creation


@dataclass(frozen=True, kw_only=True)
class NameClaims:
    """Claims idempotency keys and external ids for creations, and releases external ids. A claim whose asset was never
    written is completed by the next request, under the claimed id. A claim whose asset has another name is released
    first.
    """

    store: AssetReads
    claims: Claims
    name_release: NameRelease
    key_ttl_s: int

    def claim(self, plans: Sequence[Creation]) -> ClaimResult:
        """Claim the idempotency keys and external ids.

        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        keyed = self._claim_keys(plans)
        named = self.claim_external_ids(keyed.ready)
        return ClaimResult(named.ready, keyed.results | named.results)

    def claim_external_ids(self, plans: Sequence[Creation]) -> ClaimResult:
        """Claim the external ids. Names are claimed again before each attempt, because they may have been released
        since.

        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        results: dict[int, Asset | AmpError] = {}
        ready = [plan for plan in plans if plan.order.draft.external_id is None]
        pending = [plan for plan in plans if plan.order.draft.external_id is not None]
        for _ in range(_ROUNDS):
            if not pending:
                return ClaimResult(ready, results)
            holders = self.claims.claim([_external_claim(plan) for plan in pending])
            own, others = _by_holder(pending, holders)
            pending = []
            for plan, holder in own:
                (ready if self._holds(plan, holder) else pending).append(plan)
            resolved = self._resolve(others)
            pending += resolved.ready
            results |= resolved.results
        for plan in pending:
            results[plan.position] = Conflict("other requests are claiming the external id; try again")
        return ClaimResult(ready, results)

    def release(self, plans: Sequence[Creation]) -> None:
        """Release the external ids of creations that were refused because their asset has another name. A name that is
        not released now is released when another request needs it.
        """
        claims = [_external_claim(plan) for plan in plans if plan.order.draft.external_id is not None]
        try:
            self.name_release.release(claims)
        except StoreUnavailable:
            return

    def first_answers(self, plans: Sequence[tuple[Creation, UUID]]) -> list[Asset | AmpError | None]:
        """Return, for each creation and the asset of its idempotency key, the answer to the first request with the key.
        It is the current asset if its first version is no longer kept, and None if the asset was never written.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self.store.heads([asset_id for _, asset_id in plans], settle=True) if plans else {}
        made = self.store.applied({id_: plan.change.after.change_id for plan, id_ in plans if id_ in heads})
        firsts = self.store.versions({asset_id: [1] for asset_id in heads}) if heads else {}
        return [
            _first_answer(plan.change.after, heads.get(asset_id), firsts.get((asset_id, 1)), made=asset_id in made)
            for plan, asset_id in plans
        ]

    def _claim_keys(self, plans: Sequence[Creation]) -> ClaimResult:
        """Claim the idempotency keys. Repeats of a key get its first answer again."""
        results: dict[int, Asset | AmpError] = {}
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
            # The asset is of another request, which was faster than the one that claimed the key for it.
            elif self._move_key(plan, asset_id, plan.asset_id):
                ready.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(asset_id))
        return ClaimResult(ready, results)

    def _holds(self, plan: Creation, holder: Claim) -> bool:
        """Return whether the external id now belongs to the creation. If not, it is being released."""
        return holder.digest != RELEASING or self.claims.replace(holder, _external_claim(plan))

    def _resolve(self, taken: Sequence[tuple[Creation, Claim]]) -> ClaimResult:
        """Return the creations that may claim their external id again as ready, and the results of the others."""
        results: dict[int, Asset | AmpError] = {}
        heads = self.store.heads([holder.holder_id for _, holder in taken], settle=True) if taken else {}
        again, stale = [], []
        for plan, holder in taken:
            head, id_ = heads.get(holder.holder_id), holder.holder_id
            if head is not None and matches_claim(holder, head):
                detail = f"external id {holder.key!r} belongs to asset {id_}"
                results[plan.position] = already_exists(head, detail)
            elif head is not None:
                stale.append(holder)
                again.append(plan)
            elif plan.order.draft.id is not None or _other_time(plan, id_):
                detail = f"the external id is claimed for asset {id_}, which was not written yet; send that id"
                results[plan.position] = Conflict(detail, id=str(id_))
            elif self._move_key(plan, plan.asset_id, id_):
                plan.take_id(id_)
                again.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(id_))
        self.name_release.release(stale)
        return ClaimResult(again, results)

    def _move_key(self, plan: Creation, from_id: UUID, to_id: UUID) -> bool:
        """Move the idempotency key, if there is one, to another asset. Return False if another request was faster."""
        key = plan.order.idempotency_key
        if key is None:
            return True
        self.claims.release(key.claim(from_id))
        [holder] = self.claims.claim([key.claim(to_id)], self.key_ttl_s)
        return holder.holder_id == to_id


def _by_holder(
    plans: Sequence[Creation], holders: Sequence[Claim]
) -> tuple[list[tuple[Creation, Claim]], list[tuple[Creation, Claim]]]:
    """Split into creations whose asset holds the external id, and those for which another asset does."""
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
        return AssetDeleted("the asset created with this Idempotency-Key does not exist any more")
    if not made:
        return already_exists(head)
    # The first version may no longer be kept although the asset exists.
    answer, same = (head, _FIXED) if first is None else (_as_first_made(head, first), _FIXED + _CONTENT)
    if any(getattr(wanted, name) != getattr(answer, name) for name in same):
        # It was purged since; the id belongs to an asset of another request.
        return AssetDeleted("the asset created with this Idempotency-Key does not exist any more")
    return answer


def _as_first_made(head: Asset, first: Version) -> Asset:
    """Return the asset as it was when it was created."""
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
    """Return whether the draft requests a creation time that the claimed id does not have."""
    wanted_ms = plan.order.draft.created_ms
    return wanted_ms is not None and wanted_ms != created_ms(holder_id)
