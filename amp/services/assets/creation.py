"""Creations under way: the request, and the change that carries it out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from amp.domain.assets import Asset, Change
from amp.domain.changes import Draft
from amp.domain.claims import IdempotencyKey
from amp.errors import AlreadyExists, AmpError, Conflict
from amp.services.assets.release import external_key
from amp.services.outbox.commit import BATCH

#: An id, or the scope and key of a claimed name.
Name = UUID | tuple[str, str]
#: Maximum items of one request that are tried in order for the same name. Usually the first one gets it.
MAX_TRIES = 100


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A request to create one asset."""

    draft: Draft
    idempotency_key: IdempotencyKey | None = None


@dataclass(slots=True)
class Creation:
    """A creation under way: the position of its result, and the change that carries it out."""

    position: int
    order: CreateRequest
    asset_id: UUID
    change: Change
    own_id: UUID = field(init=False)  #: the requested or minted id, independent of claims

    def __post_init__(self) -> None:
        self.own_id = self.asset_id

    def take_id(self, asset_id: UUID) -> None:
        """Use this id for the asset instead of the present one."""
        self.asset_id = asset_id
        after = replace(self.change.after, id=asset_id, revision=1, all_revision=1)
        self.change = replace(self.change, before=None, after=after)

    def continue_from(self, purged: Asset) -> None:
        """Use the revision after the last one of the purged asset."""
        revision = purged.revision + 1
        after = replace(self.change.after, revision=revision, all_revision=revision)
        self.change = replace(self.change, before=purged, after=after)


def batches_without_rivals(plans: Sequence[Creation]) -> Iterator[list[Creation]]:
    """Yield batches in which no two creations need the same id, external id or key. Rivals come in order, in separate
    batches."""
    rounds: list[list[Creation]] = []
    earlier: Counter[Name] = Counter()
    for plan in plans:
        names = _names(plan)
        number = max(earlier[name] for name in names)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(plan)
        for name in names:
            earlier[name] = number + 1
    for plans_of_round in rounds:
        for begin in range(0, len(plans_of_round), BATCH):
            yield plans_of_round[begin : begin + BATCH]


def apart_by_id(plans: Sequence[Creation]) -> tuple[list[Creation], list[Creation]]:
    """Split into the first creation of each id and the others, because claimed names may lead several to one id."""
    firsts: dict[UUID, Creation] = {}
    rivals = [plan for plan in plans if firsts.setdefault(plan.asset_id, plan) is not plan]
    return list(firsts.values()), rivals


def already_exists(asset: Asset, detail: str | None = None) -> AlreadyExists:
    """Return the refusal of a creation because of an asset that exists, perhaps deleted."""
    detail = detail or f"asset {asset.id} exists already"
    return AlreadyExists(detail, asset_id=asset.id, revision=asset.revision, state=asset.state.value)


@dataclass(frozen=True, kw_only=True)
class TakenNames:
    """The names that creations of one request found to be taken. Later ones that need these names are refused without
    asking the store again."""

    _refusals: dict[Name, AlreadyExists] = field(default_factory=dict, init=False)
    _tries: Counter[Name] = field(default_factory=Counter, init=False)

    def refusal(self, plan: Creation) -> Conflict | None:
        """Return why the creation would be refused. Return None if it has to be tried."""
        for name in _names(plan):
            if refusal := self._refusals.get(name):
                return refusal
            if self._tries[name] >= MAX_TRIES:
                return Conflict(f"{MAX_TRIES} items of this request with the same name were refused")
        return None

    def learn(self, plan: Creation, result: Asset | AmpError | None) -> None:
        """Learn from the result of a creation."""
        self._tries.update(_names(plan))
        external = _external_name(plan)
        match result:
            case AlreadyExists():
                # It names the existing asset: the one with the requested id, or the one with the external id.
                by_id = external is None or result.asset_id == plan.asset_id
                self._refusals[plan.asset_id if by_id or external is None else external] = result
            case Asset():
                self._refusals[result.id] = already_exists(result)
                if external is not None:
                    detail = f"external id {external[1]!r} belongs to asset {result.id}"
                    self._refusals[external] = already_exists(result, detail)


def _names(plan: Creation) -> list[Name]:
    external, key = _external_name(plan), plan.order.idempotency_key
    claimed = [] if external is None else [external]
    if key is not None:
        claimed.append((key.scope, key.key))
    return [plan.asset_id, *claimed]


def _external_name(plan: Creation) -> tuple[str, str] | None:
    draft = plan.order.draft
    return None if draft.external_id is None else external_key(draft.project, draft.external_id)
