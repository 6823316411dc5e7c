"""Items of one request that want the same name are tried in order, and cost no more than others."""

import time
from uuid import uuid4

from amp.domain.assets import Asset
from amp.domain.changes import Content, Draft, Stamp, creation
from amp.domain.claims import IdempotencyKey
from amp.domain.ids import mint_at
from amp.errors import AlreadyExists, Conflict, OutcomeUnknown
from amp.services.assets.creation import MAX_TRIES, CreateRequest, Creation, TakenNames, batches_without_rivals
from amp.services.outbox.commit import BATCH


def plan(position: int, external_id: str | None = None, key: str | None = None) -> Creation:
    draft = Draft(type="clip", external_id=external_id, metadata={})
    asset_id = mint_at(1_700_000_000_000 + position)
    content = Content(name="", metadata={}, labels=(), type_version=1)
    change = creation(draft, asset_id, content, Stamp(principal="anna", at_ms=1, change_id=uuid4()))
    order = CreateRequest(draft, None if key is None else IdempotencyKey("anna", key, "digest"))
    return Creation(position, order, asset_id, change)


def created(made: Creation) -> Asset:
    return made.change.after


def positions(plans: list[Creation]) -> list[list[int]]:
    return [[found.position for found in batch] for batch in batches_without_rivals(plans)]


def test_rivals_are_in_batches_apart_in_their_order() -> None:
    plans = [plan(0, "a"), plan(1, "a"), plan(2, "b"), plan(3, "b", key="k"), plan(4, "c", key="k"), plan(5)]
    assert positions(plans) == [[0, 2, 5], [1, 3], [4]]


def test_plans_without_rivals_share_full_batches() -> None:
    assert [len(batch) for batch in positions([plan(i) for i in range(2 * BATCH + 1)])] == [BATCH, BATCH, 1]


def test_ten_thousand_rivals_are_sorted_out_in_linear_time() -> None:
    plans = [plan(i, "same") for i in range(10_000)]
    began_s = time.process_time()
    taken = TakenNames()
    tried = 0
    for batch in batches_without_rivals(plans):
        for found in batch:
            if taken.refusal(found) is None:
                tried += 1
                taken.learn(found, created(found))
    assert tried == 1
    assert time.process_time() - began_s < 2


def test_once_an_external_id_is_taken_others_are_refused_with_its_asset() -> None:
    first, second, other = plan(0, "same"), plan(1, "same"), plan(2, "other")
    taken = TakenNames()
    taken.learn(first, created(first))
    refusal = taken.refusal(second)
    assert isinstance(refusal, AlreadyExists)
    assert refusal.context == {"id": str(first.asset_id), "revision": 1, "state": "active"}
    assert taken.refusal(other) is None


def test_a_refusal_over_the_id_does_not_speak_for_the_external_id() -> None:
    first, second = plan(0, "same"), plan(1, "same")
    taken = TakenNames()
    taken.learn(first, AlreadyExists(asset_id=first.asset_id))
    assert taken.refusal(second) is None
    taken.learn(second, AlreadyExists(asset_id=uuid4()))
    assert isinstance(taken.refusal(plan(2, "same")), AlreadyExists)


def test_a_name_that_nobody_gets_is_not_tried_for_ever() -> None:
    taken = TakenNames()
    for i in range(MAX_TRIES):
        assert taken.refusal(plan(i, "same")) is None
        taken.learn(plan(i, "same"), OutcomeUnknown())
    assert type(taken.refusal(plan(MAX_TRIES, "same"))) is Conflict
