"""The selection of mismatches has each asset once, whatever leads to it, and accounts for each asset once."""

from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from amp.domain.assets import Asset
from amp.domain.claims import Claim
from amp.domain.ids import mint_at
from amp.domain.selectors import Selector
from tests.support.consistency.checked import (
    DAY_MS,
    MINUTE_MS,
    Checked,
    make_checked,  # noqa: F401 - the fixture `checked`
)
from tests.support.jobs.calls import counts, results
from tests.support.moves.moving import current_map

_FAR, _NEAR = "external-id:far", "external-id:default"


class Selected:
    """Steps through a selection as extractors do, each step in another one."""

    def __init__(self, checked: Checked, *, deep: bool, selector: Selector | None = None) -> None:
        self._mismatches = checked.environment.amp.jobs.extractor.selections.mismatches
        self._job_id, self._deep = mint_at(checked.environment.amp.adapters.clock.now_ms()), deep
        self._selector = selector or Selector()
        self.ids: Counter[UUID] = Counter()
        self.passed = 0

    def collect_late(self, asset_id: UUID, created_ms: int) -> None:
        """As an extractor does that was overtaken."""
        self._mismatches(self._job_id, self._selector, self._deep).found.add(created_ms // DAY_MS, [asset_id])

    def run(self, limit: int, after_step: Callable[[], object] = lambda: None) -> "Selected":
        position = None
        while True:
            step = self._mismatches(self._job_id, self._selector, self._deep).step(position, limit)
            assert not step.unfinished
            self.ids.update(step.ids)
            self.passed += step.passed
            position = step.position
            if position is None:
                return self
            after_step()


def mislead(checked: Checked, assets: Sequence[Asset]) -> list[Claim]:
    """Two names lead to each of these assets, which have none."""
    claims = [Claim(scope, f"of-{asset.id}", asset.id) for scope in (_FAR, _NEAR) for asset in assets]
    checked.environment.amp.adapters.claims.claim(claims)
    return claims


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("deep", [False, True])
def test_an_asset_to_which_several_names_lead_is_selected_once(checked: Checked, deep: bool, limit: int) -> None:
    assets = [checked.born(day) for day in (1, 1, 3, 5)]
    checked.settle()
    mislead(checked, assets[:3])
    checked.remove(assets[0], str(assets[0].id), 1)
    selected = Selected(checked, deep=deep).run(limit)
    assert selected.ids == Counter(asset.id for asset in (assets if deep else assets[:3]))
    assert selected.passed == len(assets) - selected.ids.total()


@pytest.mark.parametrize("deep", [False, True])
def test_an_asset_that_is_repaired_meanwhile_is_selected_once(checked: Checked, deep: bool) -> None:
    assets = [checked.born(day) for day in (1, 2)]
    checked.settle()
    claims = mislead(checked, assets)
    steps = Counter[str]()

    def release_after_the_names() -> None:
        steps["all"] += 1
        if steps["all"] == 1:
            checked.environment.amp.assets.name_release.release(claims)

    selected = Selected(checked, deep=deep).run(100, release_after_the_names)
    assert steps["all"] > 1
    assert selected.ids == Counter(asset.id for asset in assets)
    assert selected.passed == 0


@pytest.mark.parametrize("deep", [False, True])
def test_a_purged_asset_to_which_names_lead_is_selected_once(checked: Checked, deep: bool) -> None:
    kept, gone = checked.born(1), checked.born(1)
    checked.settle()
    checked.environment.delete(gone)
    checked.settle()
    purge = {"selector": {"ids": [str(gone.id)]}, "parameters": {"retention_s": 0}}
    assert counts(checked.run("purge", **purge)) == {"changed": 1}
    mislead(checked, [gone])
    selected = Selected(checked, deep=deep).run(1)
    assert selected.ids[gone.id] == 1
    assert selected.ids[kept.id] + selected.passed == 1


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_an_asset_with_several_documents_and_no_row_is_selected_once(checked: Checked, limit: int) -> None:
    asset = checked.born(1)
    checked.settle()
    nobody = mint_at(asset.created_ms + 1)
    body = {"asset_id": str(nobody), "created_ms": asset.created_ms + 1}
    for version in (1, 2, 3):
        checked.put(asset, f"{nobody}:{version}", version, version=version, latest=False, **body)
    checked.put(asset, str(nobody), 4, **body)
    other = next(bucket for bucket in current_map(checked.environment).buckets if bucket != checked.bucket(asset))
    checked.put(asset, str(nobody), 4, bucket=other, **body)
    selected = Selected(checked, deep=True).run(limit)
    assert selected.ids == Counter([nobody, asset.id])


def test_counts_of_a_job_add_up_to_the_assets(checked: Checked) -> None:
    assets = [checked.born(day) for day in (1, 2, 3)]
    checked.settle()
    mislead(checked, assets[:2])
    for deep in (False, True):
        job = checked.run("check", parameters={"deep": deep})
        assert counts(job) == {"found": 2, "done": 1}
        assert results(checked.rest, job["id"]).keys() == {str(asset.id) for asset in assets[:2]}
    job = checked.run("fix", parameters={"deep": True})
    assert counts(job) == {"changed": 2, "done": 1}


@pytest.mark.parametrize("offset_ms", [5 * MINUTE_MS, 2 * DAY_MS, -2 * DAY_MS])
@pytest.mark.parametrize("deep", [False, True])
def test_a_document_with_a_wrong_creation_time_leads_to_its_asset(checked: Checked, deep: bool, offset_ms: int) -> None:
    wrong, other = checked.born(3), checked.born(3)
    checked.settle()
    body = {"version": 77, "latest": False, "created_ms": wrong.created_ms + offset_ms}
    checked.put(wrong, f"{wrong.id}:77", 5, **body)
    assert Selected(checked, deep=deep).run(100).ids[wrong.id] == 1
    ranged = Selected(checked, deep=deep, selector=Selector(from_ms=wrong.created_ms + 1)).run(100)
    assert ranged.ids[wrong.id] == (offset_ms > 0)
    assert ranged.ids[other.id] <= 1


@pytest.mark.parametrize("offset_ms", [2 * DAY_MS, -2 * DAY_MS])
@pytest.mark.parametrize("deep", [False, True])
def test_an_id_with_documents_of_two_days_is_selected_once(checked: Checked, deep: bool, offset_ms: int) -> None:
    asset = checked.born(3)
    checked.settle()
    nobody = mint_at(asset.created_ms + 1)
    checked.put(asset, str(nobody), 4, asset_id=str(nobody), created_ms=asset.created_ms + 1)
    body = {"asset_id": str(nobody), "created_ms": asset.created_ms + offset_ms, "version": 1, "latest": False}
    checked.put(asset, f"{nobody}:1", 1, **body)
    mislead(checked, [asset])
    selected = Selected(checked, deep=deep).run(1)
    assert selected.ids == Counter([nobody, asset.id])
    assert selected.passed == 0


def test_what_a_delayed_extractor_collects_hides_no_other_fault(checked: Checked) -> None:
    asset = checked.born(1)
    checked.settle()
    checked.remove(asset, str(asset.id), 1)
    selected = Selected(checked, deep=False)
    selected.run(100, lambda: selected.collect_late(asset.id, asset.created_ms))
    assert selected.ids == Counter([asset.id])


def test_a_sample_is_not_exceeded(checked: Checked) -> None:
    for _ in range(5):
        checked.born(1)
    checked.settle()
    assert counts(checked.run("check", sample=3)) == {"done": 3}


def test_a_foreign_document_fails_no_check(checked: Checked) -> None:
    asset = checked.born(1)
    checked.settle()
    checked.put(asset, "no-uuid", 5, asset_id="no-uuid")
    for deep in (False, True):
        job = checked.run("check", parameters={"deep": deep})
        assert (job["state"], counts(job)) == ("completed", {"done": 1})
