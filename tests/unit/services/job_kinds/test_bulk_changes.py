"""A job changes each of its assets once, over whatever others do, however often it is repeated."""

import contextlib
import random
from collections.abc import Collection
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Stamp, purging
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.ids import mint_at
from amp.domain.selectors import Selector
from amp.errors import Fault, OutcomeUnknown, StoreUnavailable, Unprocessable
from amp.services.assets.edit import ATTEMPTS
from amp.services.jobs.processor import SKIP_MISSING
from amp.services.runtime.step_size import StepSize
from tests.support.asset_samples import now_ms, purge, recreation, write
from tests.unit.services.job_kinds.conftest import CHANGED, DONE, Environment, a_job, add_one, delete, set_camera


def test_each_asset_is_changed_under_the_name_of_who_asked(environment: Environment) -> None:
    ids = environment.made(3)
    job = a_job()
    assert environment.bulk_changes.run(job, ids, set_camera) == dict.fromkeys(ids, CHANGED)
    for asset_id in ids:
        head = environment.head(asset_id)
        assert (head.revision, head.version, head.metadata["cameraId"], head.updated_by) == (2, 2, 9, "olga")
    assert environment.clock.now_s == 0


def test_one_that_needs_no_change_is_done(environment: Environment) -> None:
    [asset_id] = environment.made(metadata={"cameraId": 9})
    assert environment.bulk_changes.run(a_job(), [asset_id], set_camera) == {asset_id: DONE}
    assert environment.head(asset_id).revision == 1


@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_a_repeat_changes_nothing_and_has_the_same_results(environment: Environment, make: Any) -> None:
    ids, job = environment.made(3), a_job()
    for _ in range(3):
        assert environment.bulk_changes.run(job, ids, make) == dict.fromkeys(ids, CHANGED)
        assert [environment.head(asset_id).revision for asset_id in ids] == [2, 2, 2]


@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_a_repeat_leaves_later_changes_of_others_alone(environment: Environment, make: Any) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.bulk_changes.run(job, [asset_id], make)
    theirs = environment.others(asset_id, metadata={"cameraId": 77}, state=State.ACTIVE)
    assert environment.bulk_changes.run(job, [asset_id], make) == {asset_id: CHANGED}
    assert environment.head(asset_id) == theirs


def test_two_jobs_each_change_it_once(environment: Environment) -> None:
    [asset_id] = environment.made()
    for job in (a_job(), a_job()):
        for _ in range(2):
            assert environment.bulk_changes.run(job, [asset_id], add_one) == {asset_id: CHANGED}
    assert environment.head(asset_id).metadata["cameraId"] == 9


@pytest.mark.parametrize("times", range(1, ATTEMPTS))
def test_a_change_that_lost_a_race_is_computed_again_over_the_winner(environment: Environment, times: int) -> None:
    [asset_id] = environment.made()
    steps = count(100)
    environment.store.before = [
        lambda: environment.others(asset_id, metadata={**environment.head(asset_id).metadata, "takes": next(steps)})
    ] * times
    assert environment.bulk_changes.run(a_job(), [asset_id], set_camera) == {asset_id: CHANGED}
    assert environment.head(asset_id).metadata == {"cameraId": 9, "takes": 99 + times}
    assert environment.head(asset_id).revision == 2 + times
    assert environment.clock.now_s > 0


def test_others_that_do_the_same_first_leave_nothing_to_do(environment: Environment) -> None:
    [asset_id] = environment.made()
    environment.store.before = [lambda: environment.others(asset_id, metadata={"cameraId": 9})]
    assert environment.bulk_changes.run(a_job(), [asset_id], set_camera) == {asset_id: DONE}


def test_an_asset_that_others_keep_changing_fails_alone(environment: Environment) -> None:
    asset_id, *rest = environment.made(4)
    environment.bulk_changes._step_size.note(1_000)  # so that they go together
    environment.store.before = [lambda: environment.others(asset_id)] * ATTEMPTS
    results = environment.bulk_changes.run(a_job(), [*rest, asset_id], set_camera)
    assert results.pop(asset_id) == ItemResult(ItemOutcome.FAILED, "other writers kept changing it")
    assert results == dict.fromkeys(rest, CHANGED)
    assert environment.head(asset_id).metadata["cameraId"] != 9
    assert environment.store.applied_count == 4 + 2 * ATTEMPTS + 4 - 1


@pytest.mark.parametrize("answer", ["lost", "unsent"])
@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_a_change_whose_outcome_is_unknown_is_made_once_by_the_next_try(
    environment: Environment, make: Any, answer: str
) -> None:
    ids, job = environment.made(3), a_job()
    environment.store.answers = [answer]
    with pytest.raises(OutcomeUnknown):
        environment.bulk_changes.run(job, ids, make)
    assert environment.bulk_changes.run(job, ids, make) == dict.fromkeys(ids, CHANGED)
    assert [environment.head(asset_id).revision for asset_id in ids] == [2, 2, 2]


def test_a_change_of_unknown_outcome_counts_though_others_wrote_since(
    environment: Environment,
) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.store.answers = ["lost"]
    with pytest.raises(OutcomeUnknown):
        environment.bulk_changes.run(job, [asset_id], add_one)
    theirs = environment.others(asset_id, metadata={"cameraId": 50})
    assert environment.bulk_changes.run(job, [asset_id], add_one) == {asset_id: CHANGED}
    assert environment.head(asset_id) == theirs


def test_a_store_that_is_down_is_an_error_and_nothing_is_changed(environment: Environment) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.store.answers = ["down"]
    with pytest.raises(StoreUnavailable):
        environment.bulk_changes.run(job, [asset_id], add_one)
    assert environment.head(asset_id).revision == 1
    assert environment.bulk_changes.run(job, [asset_id], add_one) == {asset_id: CHANGED}


def test_a_dry_run_reports_what_would_become_of_each_and_changes_nothing(environment: Environment) -> None:
    [changes], [is_so], [gone] = environment.made(), environment.made(metadata={"cameraId": 9}), environment.made()
    environment.others(gone, state=State.DELETED)
    missing = mint_at(now_ms())

    def make(before: Asset, stamp: Stamp) -> Change | str | None:
        return "it is deleted" if before.state is State.DELETED else set_camera(before, stamp)

    before, job = environment.store.applied_count, a_job(dry_run=True)
    for _ in range(2):
        assert environment.bulk_changes.run(job, [changes, is_so, gone, missing], make) == {
            changes: CHANGED,
            is_so: DONE,
            gone: ItemResult(ItemOutcome.SKIPPED, "it is deleted"),
            missing: ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING),
        }
    assert environment.store.applied_count == before
    assert environment.head(changes).revision == 1


def test_assets_that_are_missing_or_purged_are_skipped(environment: Environment) -> None:
    [purged], missing = environment.made(), mint_at(now_ms())
    write(environment.store, purge(environment.head(purged)))
    skipped = ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING)
    assert environment.bulk_changes.run(a_job(), [purged, missing], add_one) == {purged: skipped, missing: skipped}


def test_an_asset_that_the_job_itself_purged_is_changed_and_not_missing(environment: Environment) -> None:
    [asset_id], job = environment.made(), a_job()
    for _ in range(2):
        assert environment.bulk_changes.run(job, [asset_id], purging) == {asset_id: CHANGED}
    assert environment.head(asset_id).revision == 2


def test_an_asset_that_is_not_covered_is_left_alone(environment: Environment) -> None:
    [mine], [other] = environment.made(type="movie"), environment.made(type="still")
    results = environment.bulk_changes.run(a_job(Selector(type="movie")), [mine, other], set_camera)
    assert results[mine] == CHANGED
    assert results[other].outcome is ItemOutcome.SKIPPED
    assert environment.head(other).revision == 1


def test_an_asset_made_anew_as_another_type_meanwhile_is_left_alone(environment: Environment) -> None:
    [asset_id] = environment.made(type="movie")

    def purge_and_make_anew() -> None:
        environment.store.before = []
        [purged] = write(environment.store, purge(environment.head(asset_id)))
        write(environment.store, recreation(purged, type="still"))

    environment.store.before = [purge_and_make_anew]
    [result] = environment.bulk_changes.run(a_job(Selector(type="movie")), [asset_id], set_camera).values()
    assert result.outcome is ItemOutcome.SKIPPED
    assert environment.head(asset_id).metadata["cameraId"] == 8


def refuse(_: Asset, __: Stamp) -> Change | str | None:
    raise Unprocessable("it does not fit", [Fault(f"/metadata/{n}", f"is wrong {n}") for n in range(9)])


def test_an_asset_that_cannot_be_changed_fails_alone_with_the_reason(
    environment: Environment,
) -> None:
    bad, *good = environment.made(3)

    def make(before: Asset, stamp: Stamp) -> Change | str | None:
        return refuse(before, stamp) if before.id == bad else set_camera(before, stamp)

    results = environment.bulk_changes.run(a_job(), [bad, *good], make)
    failure = results.pop(bad)
    assert results == dict.fromkeys(good, CHANGED)
    assert failure.outcome is ItemOutcome.FAILED
    assert failure.note.startswith("it does not fit: /metadata/0: is wrong 0; /metadata/1: is wrong 1")
    assert "wrong 5" not in failure.note


def test_a_changed_asset_that_would_not_fit_any_more_counts_as_changed(
    environment: Environment,
) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.bulk_changes.run(job, [asset_id], set_camera)
    assert environment.bulk_changes.run(job, [asset_id], refuse) == {asset_id: CHANGED}


def test_of_nothing_becomes_nothing(environment: Environment) -> None:
    assert environment.bulk_changes.run(a_job(), [], add_one) == {}


def test_whatever_happens_in_between_each_change_is_made_once(environment: Environment) -> None:
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    ids, job = environment.made(10, metadata={"cameraId": 0, "theirs": 0}), a_job()
    results: dict[UUID, ItemResult] = {}
    theirs = dict.fromkeys(ids, 0)

    def another() -> None:
        asset_id = chance.choice(ids)
        metadata = environment.head(asset_id).metadata
        environment.others(asset_id, metadata={**metadata, "theirs": theirs[asset_id] + 1}, change_id=uuid4())
        theirs[asset_id] += 1

    for _ in range(40):
        some = chance.sample(ids, chance.randrange(1, 6))
        if chance.random() < 0.3:
            another()
        environment.store.before = [another] * chance.randrange(3)
        environment.store.answers = chance.choices(["", "lost", "unsent", "down"], [4, 1, 1, 1], k=2)
        with contextlib.suppress(OutcomeUnknown, StoreUnavailable):
            results |= environment.bulk_changes.run(job, some, add_one)
        environment.store.before, environment.store.answers = [], []
    results |= environment.bulk_changes.run(job, ids, add_one)
    assert results == dict.fromkeys(ids, CHANGED), f"seed {seed}"
    for asset_id in ids:
        assert environment.head(asset_id).metadata == {"cameraId": 1, "theirs": theirs[asset_id]}, f"seed {seed}"


def test_large_assets_are_changed_some_at_a_time(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(environment.bulk_changes), "_step_size", StepSize(100_000))
    ids = environment.made(24, metadata={"cameraId": 1, "notes": "x" * 10_000})
    heads, read = environment.store.heads, []

    def read_heads(some: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        read.append(len(some))
        return heads(some, settle=settle)

    monkeypatch.setattr(environment.store, "heads", read_heads)
    results = environment.bulk_changes.run(a_job(), ids, set_camera)
    assert results == dict.fromkeys(ids, ItemResult(ItemOutcome.CHANGED))
    assert max(read) <= 3
