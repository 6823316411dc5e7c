"""The life of a move as changes of the bucket map: tokens never shared, buckets always whole."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.buckets import BucketMap, first_map, map_from_json, map_json, write_alias
from amp.domain.move_phases import (
    InvalidPhase,
    cancelled,
    dual,
    ended,
    hold,
    planned_merge,
    planned_rebuild,
    planned_roll,
    planned_split,
    switched,
)
from amp.domain.moves import MoveKind, Phase

JOB = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
AT_S = 1_700_000_000
BEFORE_MS, AFTER_MS = AT_S * 1000 - 1, AT_S * 1000


def planned() -> BucketMap:
    first = first_map("amp")
    return planned_split(first, "amp", first.buckets[0], AT_S, JOB)


def two_buckets() -> BucketMap:
    return ended(switched(hold(dual(planned()))))


def test_a_plan_only_reserves_the_token_of_the_switch() -> None:
    first, plan = first_map("amp"), planned()
    assert plan.move is not None
    assert plan.write_aliases(AFTER_MS) == first.write_aliases(AFTER_MS)
    assert (plan.generation, plan.move.switch_token) == (3, 2)
    assert plan.move.target == "amp-20231114221320-3"


def test_from_dual_on_writers_send_the_moving_range_to_both_indices() -> None:
    for bucket_map in (dual(planned()), hold(dual(planned()))):
        assert bucket_map.write_aliases(BEFORE_MS) == ("amp-19700101000000-1-w4",)
        assert bucket_map.write_aliases(AFTER_MS) == ("amp-19700101000000-1-w4", "amp-20231114221320-3-w4")


def test_after_the_switch_each_side_has_its_index_under_the_reserved_token() -> None:
    bucket_map = switched(hold(dual(planned())))
    assert bucket_map.write_aliases(BEFORE_MS) == ("amp-19700101000000-1-w2",)
    assert bucket_map.write_aliases(AFTER_MS) == ("amp-20231114221320-3-w2",)
    assert [(b.start_s, bucket_map.end_s(b)) for b in bucket_map.buckets] == [(0, AT_S), (AT_S, None)]


def test_going_back_from_hold_is_a_new_attempt_under_a_new_token() -> None:
    again = dual(hold(dual(planned())))
    assert again.move is not None
    assert again.move.phase is Phase.DUAL
    assert again.write_aliases(AFTER_MS)[1] == write_alias(again.move.target, again.generation)


@pytest.mark.parametrize("so_far", [planned, lambda: dual(planned()), lambda: hold(dual(planned()))])
def test_cancelling_restores_the_buckets_under_a_token_of_its_own(so_far: object) -> None:
    back = cancelled(so_far(), "too slow")  # type: ignore[operator]
    assert [b.index for b in back.buckets] == ["amp-19700101000000-1"]
    assert back.write_aliases(AFTER_MS) == (f"amp-19700101000000-1-w{back.generation}",)
    assert ended(back).move is None


def test_a_switch_that_came_before_the_cancelling_still_counts() -> None:
    late = switched(cancelled(hold(dual(planned())), "too slow"))
    assert late.move is not None
    assert (late.move.phase, late.move.reason) == (Phase.SWITCHED, "")
    assert late.buckets == switched(hold(dual(planned()))).buckets


def test_a_merge_moves_the_next_bucket_into_this_one() -> None:
    before = two_buckets()
    plan = planned_merge(before, before.buckets[0], JOB)
    assert plan.move is not None
    assert (plan.move.source, plan.move.target) == (before.buckets[1].index, before.buckets[0].index)
    both = dual(plan)
    assert both.write_aliases(AFTER_MS) == tuple(f"{before.buckets[n].index}-w{both.generation}" for n in (1, 0))
    assert both.write_aliases(BEFORE_MS) == (f"{before.buckets[0].index}-w{both.generation}",)
    after = ended(switched(hold(both)))
    assert [(b.start_s, b.index) for b in after.buckets] == [(0, before.buckets[0].index)]


@pytest.mark.parametrize(("lost", "expected"), [((0, 0), 0), ((5, 0), 5), ((0, 5), 5), ((5, 7), 7), ((7, 5), 7)])
def test_a_merged_bucket_lacks_what_either_lost_since_the_later_loss(lost: tuple[int, int], expected: int) -> None:
    before = two_buckets()
    buckets = tuple(replace(b, loss_generation=at) for b, at in zip(before.buckets, lost, strict=True))
    plan = planned_merge(replace(before, buckets=buckets), buckets[0], JOB)
    [merged] = ended(switched(hold(dual(plan)))).buckets
    assert merged.loss_generation == expected
    assert merged.incomplete == (expected > 0)


def test_both_parts_of_a_split_bucket_lack_what_it_lost() -> None:
    first = first_map("amp")
    lost = replace(first, buckets=(replace(first.buckets[0], loss_generation=1),))
    after = ended(switched(hold(dual(planned_split(lost, "amp", lost.buckets[0], AT_S, JOB)))))
    assert [bucket.loss_generation for bucket in after.buckets] == [1, 1]


def test_a_rebuild_puts_a_new_index_in_the_place_of_the_old_one() -> None:
    before = two_buckets()
    after = ended(switched(hold(dual(planned_rebuild(before, "amp", before.buckets[0], JOB)))))
    assert [b.start_s for b in after.buckets] == [0, AT_S]
    assert after.buckets[0].index != before.buckets[0].index
    assert after.buckets[1] == before.buckets[1]


def test_a_roll_is_a_split_by_another_name() -> None:
    first = first_map("amp")
    roll = planned_roll(first, "amp", first.buckets[0], AT_S, JOB)
    assert roll.move is not None
    assert roll.move.kind is MoveKind.ROLL
    assert ended(switched(hold(dual(roll)))).buckets == two_buckets().buckets


@pytest.mark.parametrize("at_s", [0, AT_S, AT_S + 5])
def test_a_boundary_outside_the_bucket_is_refused(at_s: int) -> None:
    before = two_buckets()
    with pytest.raises(ValueError, match="boundary"):
        planned_split(before, "amp", before.buckets[0], at_s, JOB)


def test_the_newest_bucket_has_nothing_to_merge_with() -> None:
    before = two_buckets()
    with pytest.raises(ValueError, match="no next bucket"):
        planned_merge(before, before.buckets[-1], JOB)


def test_there_is_one_move_at_a_time() -> None:
    with pytest.raises(InvalidPhase):
        planned_split(planned(), "amp", planned().buckets[0], AT_S + 1, JOB)


@pytest.mark.parametrize(
    ("step", "from_"),
    [
        (dual, lambda: switched(hold(dual(planned())))),
        (hold, planned),
        (switched, planned),
        (lambda m: cancelled(m, ""), lambda: switched(hold(dual(planned())))),
        (ended, lambda: dual(planned())),
        (dual, lambda: first_map("amp")),
    ],
)
def test_phases_follow_each_other_in_one_way_only(step: object, from_: object) -> None:
    with pytest.raises(InvalidPhase):
        step(from_())  # type: ignore[operator]


@given(st.lists(st.sampled_from(["dual", "hold", "switched", "cancelled", "ended", "split", "merge", "rebuild"])))
def test_no_token_is_used_twice_and_every_map_survives_json(steps: list[str]) -> None:
    bucket_map = first_map("amp")
    used: dict[int, tuple[object, ...]] = {}
    for n, step in enumerate(steps):
        bucket_map = _after(bucket_map, step, n)
        assert map_from_json(json.loads(json.dumps(map_json(bucket_map)))) == bucket_map
        move = bucket_map.move
        if move is not None:
            # One token stands for one way of writing, of one attempt of one move.
            meanings = {move.phase_token: (n_of(used, move.phase_token), move.id, move.phase)}
            meanings[move.switch_token] = (0, move.id, "switch")
            for token, meaning in meanings.items():
                assert used.setdefault(token, meaning)[1:] == meaning[1:]


def n_of(used: dict[int, tuple[object, ...]], token: int) -> object:
    return used[token][0] if token in used else len(used)


def _after(bucket_map: BucketMap, step: str, n: int) -> BucketMap:
    job = UUID(int=n)
    try:
        match step:
            case "split":
                return planned_split(bucket_map, "amp", bucket_map.buckets[-1], AT_S + n, job)
            case "merge":
                return planned_merge(bucket_map, bucket_map.buckets[0], job)
            case "rebuild":
                return planned_rebuild(bucket_map, "amp", bucket_map.buckets[0], job)
            case "cancelled":
                return cancelled(bucket_map, "")
        return {"dual": dual, "hold": hold, "switched": switched, "ended": ended}[step](bucket_map)
    except (InvalidPhase, ValueError):
        return bucket_map
