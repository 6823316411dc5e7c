"""Claims the names of assets about to be created, so that one name makes one asset."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from amp.domain.assets import Asset, State, Version
from amp.domain.ids import created_ms
from amp.errors import AlreadyExists, AmpError, Conflict, Gone, KeyReused, OutcomeUnknown
from amp.ports.asset_store import AssetStore
from amp.ports.claims import Claim, Claims
from amp.services.creation_plans import Plan, external_key

#: One per order, as far as it is decided.
Results = list[Asset | AmpError | None]


class ClaimNames:
    """A claim whose asset was never written is completed by whoever comes next, under the claimed id."""

    def __init__(self, store: AssetStore, claims: Claims, key_ttl_s: int) -> None:
        self._store = store
        self._claims = claims
        self._key_ttl_s = key_ttl_s

    def claim(self, plans: Sequence[Plan], results: Results) -> list[Plan]:
        """The plans still to carry out, some under another id; what others come to is in `results`.

        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        return self._claim_external_ids(self._claim_keys(plans, results), results)

    def first_answers(self, asset_ids: Sequence[UUID]) -> Results:
        """For each asset made under an idempotency key, what the first request with the key was answered, or would have
        been; None: it was never written.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self._store.heads(asset_ids, settle=True) if asset_ids else {}
        firsts = self._store.versions({asset_id: [1] for asset_id in heads}) if heads else {}
        return [_first_answer(heads.get(asset_id), firsts.get((asset_id, 1))) for asset_id in asset_ids]

    def _claim_keys(self, plans: Sequence[Plan], results: Results) -> list[Plan]:
        """The plans still to carry out; those made under the same key before get their first answer again."""
        keyed = [(plan, plan.order.repeat_key) for plan in plans if plan.order.repeat_key is not None]
        holders = self._claims.claim(
            [Claim(key.scope, key.key, plan.asset_id, key.digest) for plan, key in keyed], self._key_ttl_s
        )
        ready = [plan for plan in plans if plan.order.repeat_key is None]
        earlier = []
        for (plan, key), holder in zip(keyed, holders, strict=True):
            if holder.digest != key.digest:
                results[plan.position] = KeyReused("this Idempotency-Key was used before with another body")
            elif holder.asset_id == plan.asset_id:
                ready.append(plan)
            else:
                earlier.append((plan, holder.asset_id))
        answers = self.first_answers([asset_id for _, asset_id in earlier])
        for (plan, asset_id), answer in zip(earlier, answers, strict=True):
            if answer is None:
                plan.take_id(asset_id)
                ready.append(plan)
            else:
                results[plan.position] = answer
        return ready

    def _claim_external_ids(self, plans: Sequence[Plan], results: Results) -> list[Plan]:
        named = [plan for plan in plans if plan.order.draft.external_id is not None]
        if not named:
            return list(plans)
        holders = self._claims.claim([_external_claim(plan) for plan in named])
        ready = [plan for plan in plans if plan.order.draft.external_id is None]
        taken = []
        for plan, holder in zip(named, holders, strict=True):
            if holder.asset_id == plan.asset_id:
                ready.append(plan)
            else:
                taken.append((plan, holder.asset_id))
        heads = self._store.heads([asset_id for _, asset_id in taken], settle=True) if taken else {}
        for plan, holder_id in taken:
            head = heads.get(holder_id)
            if head is not None and head.state is not State.PURGED:
                results[plan.position] = AlreadyExists(
                    f"external id {plan.order.draft.external_id!r} belongs to asset {holder_id}",
                    id=str(holder_id),
                    revision=head.revision,
                )
            elif plan.order.draft.id is not None or _other_time(plan, holder_id):
                results[plan.position] = Conflict(
                    f"the external id is claimed for asset {holder_id}, which was not written yet; ask for that id",
                    id=str(holder_id),
                )
            elif self._move_key(plan, holder_id):
                plan.take_id(holder_id)
                ready.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(holder_id))
        return ready

    def _move_key(self, plan: Plan, asset_id: UUID) -> bool:
        """Let the plan's idempotency key, if it has one, stand for `asset_id`; False if others were faster."""
        key = plan.order.repeat_key
        if key is None:
            return True
        self._claims.release(Claim(key.scope, key.key, plan.asset_id, key.digest))
        holder = self._claims.claim([Claim(key.scope, key.key, asset_id, key.digest)], self._key_ttl_s)[0]
        return holder.asset_id == asset_id


def _external_claim(plan: Plan) -> Claim:
    draft = plan.order.draft
    scope, key = external_key(draft.project, draft.external_id or "")
    return Claim(scope, key, plan.asset_id)


def _first_answer(head: Asset | None, first: Version | None) -> Asset | AmpError | None:
    if head is None:
        return None
    if head.state is State.PURGED or first is None:
        return Gone("the asset made under this Idempotency-Key is gone")
    return _as_first_made(head, first)


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


def _other_time(plan: Plan, holder_id: UUID) -> bool:
    """The draft asks for a creation time that the claimed id does not have."""
    wanted_ms = plan.order.draft.created_ms
    return wanted_ms is not None and wanted_ms != created_ms(holder_id)
