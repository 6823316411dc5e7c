"""Creates assets, one or many at a time, each with its own result."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from amp.domain.assets import Asset, State
from amp.domain.changes import Draft, Stamp, creation
from amp.domain.ids import IdMint, created_ms, mint_at
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.domain.validation import text_faults
from amp.errors import AlreadyExists, AmpError, Conflict, Fault, OutcomeUnknown, StoreUnavailable, Unprocessable
from amp.ports.asset_store import CommitResult, CommitStatus
from amp.ports.clock import Clock
from amp.services.assets.claims import ClaimResult, NameClaims
from amp.services.assets.content import ContentValidation
from amp.services.assets.creation import (
    CreateRequest,
    Creation,
    TakenNames,
    already_exists,
    apart_by_id,
    batches_without_rivals,
)
from amp.services.assets.release import has_external_id
from amp.services.outbox.commit import ChangeCommitter

#: Maximum attempts to create an asset over a purged one that changes meanwhile, or after another one with the same id.
_ROUNDS = 5

#: One result per request; None: not decided yet.
_Results = list[Asset | AmpError | None]


@dataclass(frozen=True, kw_only=True)
class AssetCreation:
    """Creates assets. Names are claimed before the asset is written. A claim whose asset was never written is completed
    by the next request, so a crash in between creates no duplicate and blocks no other request.
    """

    names: NameClaims
    committer: ChangeCommitter
    content_validation: ContentValidation
    clock: Clock

    @cached_property
    def _mint(self) -> IdMint:
        return IdMint(self.clock.now_ms, self.content_validation.limits.skew_ms)

    def create(self, order: CreateRequest, principal: Principal) -> Asset:
        """Create an asset and return it, or return the one that was created with the same idempotency key, as it was
        then.

        :raises AmpError: it could not be created.
        """
        result = self.create_many([order], principal)[0]
        if isinstance(result, AmpError):
            raise result
        return result

    def create_many(self, orders: Sequence[CreateRequest], principal: Principal) -> list[Asset | AmpError]:
        """Create assets. Return for each request, in order, the asset or the error.

        Once the store does not answer, nothing more is written. The result is `StoreUnavailable` for requests of which
        nothing was written, and `OutcomeUnknown` where that is unknown.
        """
        results: _Results = [None] * len(orders)
        plans = []
        began_s = self.clock.monotonic_s()
        for position, order in enumerate(orders):
            try:
                plans.append(self._plan(position, order, principal, began_s))
            except AmpError as e:
                # Its traceback would keep everything that was computed for the asset.
                results[position] = e.with_traceback(None)
        taken = TakenNames()
        failure: AmpError | None = None
        for batch in batches_without_rivals(plans):
            for plan in batch:
                results[plan.position] = taken.refusal(plan) or failure
            tried = [plan for plan in batch if results[plan.position] is None]
            try:
                self._create_batch(tried, results)
            except AmpError as e:
                failure = e
            for plan in tried:
                # Nothing was written of requests without a result when the batch fails.
                results[plan.position] = results[plan.position] or failure
                taken.learn(plan, results[plan.position])
        settled = [result for result in results if result is not None]
        assert len(settled) == len(orders), "every request has a result"
        return settled

    def _plan(self, position: int, order: CreateRequest, principal: Principal, began_s: float) -> Creation:
        draft = order.draft
        faults = text_faults(iter([("/project", draft.project)]), self.content_validation.limits.name_bytes)
        if draft.external_id is not None:
            faults += text_faults(
                iter([("/external_id", draft.external_id)]), self.content_validation.limits.name_bytes
            )
        if draft.project == "":
            faults.append(Fault("/project", "cannot be empty"))
        if draft.external_id == "":
            faults.append(Fault("/external_id", "cannot be empty; leave it out"))
        asset_id = self._id_of(draft, faults)
        if faults:
            raise Unprocessable("the asset cannot be created", faults)
        content = self.content_validation.check(draft.type, draft.name, draft.metadata, draft.labels, began_s)
        stamp = Stamp(principal=principal.name, at_ms=self.clock.now_ms(), change_id=_change_id(order))
        return Creation(position, order, asset_id, creation(draft, asset_id, content, stamp))

    def _id_of(self, draft: Draft, faults: list[Fault]) -> UUID:
        latest_ms = self.clock.now_ms() + self.content_validation.limits.skew_ms
        if draft.id is not None:
            at_ms = created_ms(draft.id)
            if at_ms > latest_ms:
                faults.append(Fault("/id", f"its time, {_displayed(at_ms)}, is in the future"))
            if draft.created_ms is not None and draft.created_ms != at_ms:
                faults.append(Fault("/created_at", f"is not the time in the id, {_displayed(at_ms)}"))
            return draft.id
        if draft.created_ms is None:
            return self._mint.mint()
        if draft.created_ms > latest_ms:
            faults.append(Fault("/created_at", "is in the future"))
        elif draft.created_ms < 0:
            faults.append(Fault("/created_at", "is before 1970"))
        else:
            return mint_at(draft.created_ms)
        return self._mint.mint()

    def _create_batch(self, plans: Sequence[Creation], results: _Results) -> None:
        ready = _ready(self.names.claim(plans), results)
        for _ in range(_ROUNDS):
            firsts, rivals = apart_by_id(ready)
            over_purged = self._carry_out(firsts, results)
            if not over_purged and not rivals:
                return
            for plan in rivals:
                plan.take_id(plan.own_id)
            ready = _ready(self.names.claim_external_ids(over_purged), results)
            ready += _ready(self.names.claim(rivals), results)
        for plan in ready:
            results[plan.position] = Conflict(f"asset {plan.asset_id} is being changed by other writers; try again")

    def _carry_out(self, plans: Sequence[Creation], results: _Results) -> list[Creation]:
        """Return the creations that met a purged asset, to be repeated on top of it."""
        over_purged: list[Creation] = []
        keyed: list[Creation] = []
        misnamed: list[Creation] = []
        outcomes = self.committer.commit([plan.change for plan in plans])
        for plan, outcome in zip(plans, outcomes, strict=True):
            head, draft = outcome.head, plan.order.draft
            if outcome.status is CommitStatus.REFUSED and head is not None and head.state is State.PURGED:
                plan.continue_from(head)
                over_purged.append(plan)
            elif outcome.status is CommitStatus.APPLIED and plan.order.idempotency_key is not None:
                keyed.append(plan)
            else:
                results[plan.position] = _result(plan, outcome)
                if outcome.status is CommitStatus.REFUSED and not has_external_id(
                    head, draft.project, draft.external_id or ""
                ):
                    misnamed.append(plan)
        self._answer_keyed(keyed, results)
        self.names.release(misnamed)
        return over_purged

    def _answer_keyed(self, plans: Sequence[Creation], results: _Results) -> None:
        """Replace results by those of requests with the same key that have written the same change first."""
        try:
            answers = self.names.first_answers([(plan, plan.asset_id) for plan in plans])
        except StoreUnavailable:
            answers = [None] * len(plans)
        for plan, answer in zip(plans, answers, strict=True):
            results[plan.position] = answer or OutcomeUnknown(id=str(plan.asset_id))


def _ready(claimed: ClaimResult, results: _Results) -> list[Creation]:
    """Store the results of creations whose names could not be claimed, and return the creations to carry out."""
    for position, result in claimed.results.items():
        results[position] = result
    return claimed.ready


def _change_id(order: CreateRequest) -> UUID:
    """Return an id that is the same for all requests with one idempotency key, so that the store recognises a repeated
    change.
    """
    key = order.idempotency_key
    return uuid4() if key is None else uuid5(NAMESPACE_OID, f"{key.scope}\0{key.key}")


def _result(plan: Creation, outcome: CommitResult) -> Asset | AmpError:
    match outcome.status:
        case CommitStatus.APPLIED:
            return plan.change.after
        case CommitStatus.UNKNOWN:
            return OutcomeUnknown(id=str(plan.asset_id))
    if outcome.head is not None:
        return already_exists(outcome.head)
    return AlreadyExists(f"asset {plan.asset_id} exists already", asset_id=plan.asset_id)


def _displayed(ms: int) -> str:
    return format_ms(ms) if ms < 253_402_300_800_000 else f"{ms} ms"
