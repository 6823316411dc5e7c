"""Creates assets, one or many at a time, each with a fate of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from amp.domain.assets import Asset, Change, State, Version
from amp.domain.changes import Draft, Stamp, creation
from amp.domain.ids import IdMint, created_ms, mint_at
from amp.domain.principals import Principal
from amp.domain.times import format_ms
from amp.domain.validation import text_faults
from amp.errors import AlreadyExists, AmpError, Conflict, Fault, Gone, KeyReused, OutcomeUnknown, Unprocessable
from amp.ports.asset_store import AssetStore, Outcome, Verdict
from amp.ports.claims import Claim, Claims
from amp.ports.clock import Clock
from amp.services.check_content import CheckContent
from amp.services.commit_changes import BATCH, CommitChanges


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
class _Plan:
    """An order on its way: where its result goes, and the change that will carry it out."""

    position: int
    order: Order
    asset_id: UUID
    change: Change


class CreateAssets:
    """Names are claimed before the asset is written; a claim whose asset was never written is completed by whoever
    comes next, so a crash in between makes no twin and blocks nobody."""

    def __init__(
        self,
        store: AssetStore,
        claims: Claims,
        committer: CommitChanges,
        checker: CheckContent,
        clock: Clock,
        key_ttl_s: int,
    ) -> None:
        self._store = store
        self._claims = claims
        self._committer = committer
        self._checker = checker
        self._clock = clock
        self._key_ttl_s = key_ttl_s
        self._mint = IdMint(clock.now_ms)

    def create(self, order: Order, principal: Principal) -> Asset:
        """The new asset, or the one made earlier under the same idempotency key, as it was then.

        :raises AmpError: whatever kept it from being created.
        """
        result = self.create_many([order], principal)[0]
        if isinstance(result, AmpError):
            raise result
        return result

    def create_many(self, orders: Sequence[Order], principal: Principal) -> list[Asset | AmpError]:
        """For each order, in order, the asset or what kept it from being created.

        :raises StoreUnavailable: the store does not answer; some may have been created.
        """
        results: list[Asset | AmpError | None] = [None] * len(orders)
        plans = []
        for position, order in enumerate(orders):
            try:
                plans.append(self._plan(position, order, principal))
            except AmpError as e:
                results[position] = e
        while plans:
            batch, plans = _without_rivals(plans)
            self._create_batch(batch, results)
        return [result for result in results if result is not None]

    def _plan(self, position: int, order: Order, principal: Principal) -> _Plan:
        draft = order.draft
        faults = text_faults(iter([("/project", draft.project)]), self._checker.limits.name_bytes)
        if draft.external_id is not None:
            faults += text_faults(iter([("/external_id", draft.external_id)]), self._checker.limits.name_bytes)
        if draft.project == "":
            faults.append(Fault("/project", "cannot be empty"))
        if draft.external_id == "":
            faults.append(Fault("/external_id", "cannot be empty; leave it out"))
        asset_id = self._id_of(draft, faults)
        if faults:
            raise Unprocessable("the asset cannot be created", faults)
        content = self._checker.check(draft.type, draft.name, draft.metadata, draft.labels)
        stamp = Stamp(actor=principal.name, at_ms=self._clock.now_ms(), change_id=uuid4())
        return _Plan(position, order, asset_id, creation(draft, asset_id, content, stamp))

    def _id_of(self, draft: Draft, faults: list[Fault]) -> UUID:
        latest_ms = self._clock.now_ms() + self._checker.limits.skew_ms
        if draft.id is not None:
            at_ms = created_ms(draft.id)
            if at_ms > latest_ms:
                faults.append(Fault("/id", f"its time, {_shown(at_ms)}, lies in the future"))
            if draft.created_ms is not None and draft.created_ms != at_ms:
                faults.append(Fault("/created_at", f"is not the time in the id, {_shown(at_ms)}"))
            return draft.id
        if draft.created_ms is None:
            return self._mint.mint()
        if draft.created_ms > latest_ms:
            faults.append(Fault("/created_at", "lies in the future"))
        elif draft.created_ms < 0:
            faults.append(Fault("/created_at", "lies before 1970"))
        else:
            return mint_at(draft.created_ms)
        return self._mint.mint()

    def _create_batch(self, plans: Sequence[_Plan], results: list[Asset | AmpError | None]) -> None:
        ready = self._claim_keys(plans, results)
        ready = self._claim_external_ids(ready, results)
        outcomes = self._committer.commit([plan.change for plan in ready])
        over_purged = []
        raced = []
        for plan, outcome in zip(ready, outcomes, strict=True):
            if outcome.head is not None and outcome.head.state is State.PURGED:
                plan.change = _over(outcome.head, plan.change)
                over_purged.append(plan)
            elif outcome.verdict is Verdict.REFUSED and plan.order.repeat_key is not None:
                raced.append((plan, plan.asset_id))  # another request with the same key wrote it first
            else:
                results[plan.position] = _result(plan, outcome)
        for plan, answer in self._first_answers(raced):
            results[plan.position] = answer or OutcomeUnknown(id=str(plan.asset_id))
        if over_purged:
            for plan, outcome in zip(
                over_purged, self._committer.commit([plan.change for plan in over_purged]), strict=True
            ):
                results[plan.position] = _result(plan, outcome)

    def _claim_keys(self, plans: Sequence[_Plan], results: list[Asset | AmpError | None]) -> list[_Plan]:
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
        for plan, answer in self._first_answers(earlier):
            if answer is None:
                ready.append(plan)  # claimed but never written: complete it
            else:
                results[plan.position] = answer
        return ready

    def _first_answers(self, earlier: Sequence[tuple[_Plan, UUID]]) -> list[tuple[_Plan, Asset | AmpError | None]]:
        heads = self._store.heads([asset_id for _, asset_id in earlier], settle=True) if earlier else {}
        firsts = self._store.versions({asset_id: [1] for asset_id in heads}) if heads else {}
        answers: list[tuple[_Plan, Asset | AmpError | None]] = []
        for plan, asset_id in earlier:
            head = heads.get(asset_id)
            if head is None:
                plan.asset_id, plan.change = asset_id, _with_id(plan.change, asset_id)
                answers.append((plan, None))
            elif head.state is State.PURGED or (asset_id, 1) not in firsts:
                answers.append((plan, Gone("the asset made under this Idempotency-Key is gone")))
            else:
                answers.append((plan, _as_first_made(head, firsts[asset_id, 1])))
        return answers

    def _claim_external_ids(self, plans: Sequence[_Plan], results: list[Asset | AmpError | None]) -> list[_Plan]:
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
                plan.asset_id, plan.change = holder_id, _with_id(plan.change, holder_id)
                ready.append(plan)
            else:
                results[plan.position] = OutcomeUnknown(id=str(holder_id))
        return ready

    def _move_key(self, plan: _Plan, asset_id: UUID) -> bool:
        """Let the plan's idempotency key, if it has one, stand for `asset_id`; False if others were faster."""
        key = plan.order.repeat_key
        if key is None:
            return True
        self._claims.release(Claim(key.scope, key.key, plan.asset_id, key.digest))
        holder = self._claims.claim([Claim(key.scope, key.key, asset_id, key.digest)], self._key_ttl_s)[0]
        return holder.asset_id == asset_id


EXTERNAL_ID_SCOPE = "external-id"


def external_key(project: str, external_id: str) -> tuple[str, str]:
    """The (scope, key) under which an external id is claimed in its project."""
    return f"{EXTERNAL_ID_SCOPE}:{project}", external_id


def _external_claim(plan: _Plan) -> Claim:
    draft = plan.order.draft
    scope, key = external_key(draft.project, draft.external_id or "")
    return Claim(scope, key, plan.asset_id)


def _without_rivals(plans: Sequence[_Plan]) -> tuple[list[_Plan], list[_Plan]]:
    """A batch in which no two plans want the same id, external id or key, and the plans left for later."""
    now: list[_Plan] = []
    later: list[_Plan] = []
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


def _result(plan: _Plan, outcome: Outcome) -> Asset | AmpError:
    match outcome.verdict:
        case Verdict.APPLIED:
            return plan.change.after
        case Verdict.UNKNOWN:
            return OutcomeUnknown(id=str(plan.asset_id))
    head = outcome.head
    return AlreadyExists(
        f"asset {plan.asset_id} exists already",
        id=str(plan.asset_id),
        revision=head.revision if head else None,
    )


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


def _other_time(plan: _Plan, holder_id: UUID) -> bool:
    """The draft asks for a creation time that the claimed id does not have."""
    wanted_ms = plan.order.draft.created_ms
    return wanted_ms is not None and wanted_ms != created_ms(holder_id)


def _with_id(change: Change, asset_id: UUID) -> Change:
    return replace(change, after=replace(change.after, id=asset_id))


def _over(purged: Asset, change: Change) -> Change:
    revision = purged.revision + 1
    return replace(change, before=purged, after=replace(change.after, revision=revision, all_revision=revision))


def _shown(ms: int) -> str:
    return format_ms(ms) if ms < 253_402_300_800_000 else f"{ms} ms"
