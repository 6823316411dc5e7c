"""Check and fix: they find every fault that is there and nothing else, whatever is written meanwhile."""

import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from amp.adapters.embedded import search_removals
from amp.api.app import create_app
from amp.domain.changes import Draft
from amp.domain.claims import Claim
from amp.domain.ids import mint_at
from amp.domain.principals import BUCKET_WORKER
from amp.ports.search_index import WriteStatus
from amp.services.assets.creation import CreateRequest
from tests.support.consistency.checked import (
    BORN_MS,
    DAYS,
    FORGETS_S,
    SETTINGS,
    Checked,
    make_checked,  # noqa: F401 - the fixture `checked`
)
from tests.support.jobs.calls import changed, counts, deleted, new_assets, ran, results
from tests.support.moves.moving import current_map
from tests.support.service.built import running
from tests.support.service.rest import Rest
from tests.support.service.wired import PRINCIPAL


def plant(checked: Checked) -> None:
    """One fault a day, of each kind that sums tell, beside an asset that is as it should be."""
    environment, expected = checked.environment, checked.expected
    plain = [checked.born(day, cameraId=day) for day in range(DAYS)]
    for day in range(DAYS):
        checked.born(day)
    edited = [environment.edit(plain[day], "again") for day in (1, 6)]
    gone = environment.delete(plain[2])
    checked.settle()

    checked.remove(plain[0], str(plain[0].id), 1)
    expected[str(plain[0].id)] = f"missing: {plain[0].id}"
    checked.remove(edited[0], f"{edited[0].id}:1", 2)
    expected[str(edited[0].id)] = f"missing: {edited[0].id}:1"
    checked.remove(gone, str(gone.id), 2)
    expected[str(gone.id)] = f"missing: {gone.id}"

    labelled = environment.label(plain[3], "late")
    checked.lose_events(1)
    expected[str(labelled.id)] = f"stale: {labelled.id} at 1, not 2"

    checked.put(plain[5], f"{plain[5].id}:9", 1, version=9, latest=False)
    expected[str(plain[5].id)] = f"ghost: {plain[5].id}:9"
    nobody = mint_at(plain[6].created_ms + 1)
    checked.put(plain[6], str(nobody), 4, asset_id=str(nobody), created_ms=plain[6].created_ms + 1)
    expected[str(nobody)] = f"ghost: {nobody} at revision 4"

    [(index, bare)] = environment.amp.adapters.documents.of_assets([plain[7].id])
    [[copy]] = environment.amp.adapters.documents.with_bodies(index, [bare])
    wrong = current_map(environment).bucket_at(plain[0].created_ms)
    assert wrong.index != checked.bucket(plain[7]).index
    [result] = environment.amp.adapters.documents.put(wrong.write_alias, [copy])
    assert result.status is WriteStatus.DONE
    environment.refresh()
    expected[str(plain[7].id)] = f"misplaced: {plain[7].id} in {wrong.index}"

    if environment.amp.settings.profile == "cluster":
        # The embedded profile lists by indexes of its database.
        environment.amp.adapters.listing.remove([replace(plain[8], updated_ms=environment.amp.adapters.clock.now_ms())])
        expected[str(plain[8].id)] = "unlisted: "


@pytest.mark.timeout(400)
def test_every_fault_is_found_and_fixed_and_nothing_else_is_touched(checked: Checked) -> None:
    plant(checked)
    assets, faults = 2 * DAYS, len(checked.expected)
    checked.finds_what_is_expected()
    checked.finds_what_is_expected(parameters={"deep": True})
    job = checked.run("fix", dry_run=True)
    assert counts(job) == {"found": faults, "done": assets - faults + 1}, "one fault has no asset"
    checked.finds_what_is_expected()
    job = checked.run("fix", timeout_s=FORGETS_S)
    assert counts(job) == {"changed": faults, "done": assets - faults + 1}
    for deep in (False, True):
        assert counts(checked.run("check", parameters={"deep": deep})) == {"done": assets}
    assert counts(checked.run("fix")) == {"done": assets}


def test_a_check_of_some_assets_reports_only_those(checked: Checked) -> None:
    plant(checked)
    checked.environment.amp.types.registration.create("other", "", {}, PRINCIPAL)
    assert checked.finds({"type": "other"}) == {}
    assert checked.finds({"type": "clip"}).keys() == checked.expected.keys()
    assert checked.finds({"project": "default"}).keys() == checked.expected.keys()
    assert checked.finds({"project": "elsewhere"}) == {}
    first_days = {"created": {"from": "2020-09-13", "to": "2020-09-15"}}
    of_those = sorted(checked.expected)[:2]
    assert sorted(checked.finds(first_days)) == of_those
    some = sorted(checked.expected)[:3]
    healthy = [str(i) for i in sorted(checked.environment.mine) if str(i) not in checked.expected][:2]
    assert checked.finds({"ids": [*some, *healthy]}).keys() == set(some)


def test_rows_of_lists_without_an_asset_are_found_and_removed(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise they might belong to an asset that is being created.
    monkeypatch.setattr("amp.services.consistency.check._ORPHAN_MS", 0)
    asset = checked.born(1)
    checked.settle()
    near, far = (replace(asset, id=mint_at(asset.created_ms + n), project=p) for n, p in ((1, "default"), (2, "far")))
    checked.environment.amp.adapters.listing.add([near, far])
    if checked.environment.amp.settings.profile == "embedded":
        # Its lists are indexes of its database, which hold nothing that is not there.
        assert checked.finds() == {}
        return
    listed, known = {"all", "type:clip", "project:default"}, {"all", "type:clip"}
    assert _orphans(checked.finds()) == {str(near.id): listed, str(far.id): known}
    assert _orphans(checked.finds({"project": "far"})) == {str(far.id): {"all", "type:clip", "project:far"}}
    assert counts(checked.run("fix", {"project": "far"})) == {"changed": 1}
    assert checked.finds({"project": "far"}) == {}
    assert _orphans(checked.finds()) == {str(near.id): listed}
    assert counts(checked.run("fix")) == {"changed": 1, "done": 1}
    assert checked.finds() == {}
    assert checked.environment.seen() == [(str(asset.id), 1, 1)]


def _orphans(reported: dict[str, str]) -> dict[str, set[str]]:
    return {
        asset_id: {part.removeprefix("orphan: ") for part in note.split("; ")} for asset_id, note in reported.items()
    }


def forget_removals_soon(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both indices remember the revision of a removed document for a minute."""
    monkeypatch.setattr(search_removals, "_REMEMBERED_S", 1.0)
    settings = checked.environment.amp.settings
    if settings.profile == "cluster":
        url = f"{settings.elasticsearch_url}/{settings.elasticsearch_index_prefix}-*/_settings"
        httpx.put(url, json={"index.gc_deletes": "1s"}, timeout=30).raise_for_status()


def test_a_document_ahead_of_the_store_is_found_and_put_right(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_removals_soon(checked, monkeypatch)
    ahead, healthy = checked.born(1), checked.born(1)
    checked.settle()
    checked.put(ahead, str(ahead.id), 6)
    checked.expected[str(ahead.id)] = f"ahead: {ahead.id} at 6, not 1"
    checked.finds_what_is_expected()
    assert counts(checked.run("fix", timeout_s=FORGETS_S)) == {"changed": 1, "done": 1}
    assert checked.finds() == {}
    assert checked.environment.seen() == sorted((str(asset.id), 1, 1) for asset in (ahead, healthy))


def test_a_document_with_other_content_is_found_only_by_a_deep_check(checked: Checked) -> None:
    wrong, also = checked.born(1, codec="h264"), checked.born(9, notes="some words")
    healthy = checked.born(1)
    edited = checked.environment.edit(checked.born(3), "again")
    checked.settle()
    checked.put(wrong, str(wrong.id), 1, name="somebody else's")
    checked.put(also, str(also.id), 1, metadata=[])
    checked.put(edited, f"{edited.id}:1", 2, latest=False, version=1, name="never so")
    assert checked.finds() == {}
    for asset, doc_id in ((wrong, wrong.id), (also, also.id), (edited, f"{edited.id}:1")):
        checked.expected[str(asset.id)] = f"malformed: {doc_id}"
    deep: dict[str, Any] = {"parameters": {"deep": True}}
    checked.finds_what_is_expected(**deep)
    assert counts(checked.run("fix")) == {"done": 4}
    assert counts(checked.run("fix", **deep)) == {"changed": 3, "done": 1}
    assert checked.finds(**deep) == {}
    assert str(healthy.id) in {asset_id for asset_id, _, _ in checked.environment.seen()}


def test_names_that_lead_to_another_asset_are_found_and_released(checked: Checked) -> None:
    asset, claims = checked.born(1), checked.environment.amp.adapters.claims
    other = checked.born(2)
    checked.settle()
    bad = [Claim(f"external-id:{project}", "name", asset.id) for project in ("default", "far")]
    claims.claim(bad)
    expected = "misleading: 'name' of project 'default'; misleading: 'name' of project 'far'"
    assert checked.finds({"ids": [str(other.id)]}) == {}
    for selector in ({"all": True}, {"project": "far"}, {"ids": [str(asset.id)]}):
        assert checked.finds(selector) == {str(asset.id): expected}
    assert counts(checked.run("fix", {"project": "far"})) == {"changed": 1}
    assert claims.holders([(claim.scope, claim.key) for claim in bad]) == [None, None]
    assert checked.finds() == {}


def test_a_deep_check_finds_and_claims_a_lost_external_id(checked: Checked) -> None:
    environment, claims = checked.environment, checked.environment.amp.adapters.claims
    drafts = [
        Draft(type="clip", metadata={}, external_id=name, created_ms=BORN_MS + n) for n, name in enumerate(("a", "b"))
    ]
    made = [environment.amp.assets.creation.create(CreateRequest(draft), PRINCIPAL) for draft in drafts]
    checked.settle()
    lost, astray = (Claim("external-id:default", name, asset.id) for name, asset in zip("ab", made, strict=True))
    claims.release(lost)
    assert claims.replace(astray, replace(astray, holder_id=made[0].id))
    deep = {"parameters": {"deep": True}}
    ids = {"ids": [str(asset.id) for asset in made]}
    assert checked.finds(ids)[str(made[1].id)] == "unclaimed: 'b' of project 'default'"
    assert counts(checked.run("fix", ids)) == {"changed": 2}
    assert claims.holders([(lost.scope, "a"), (lost.scope, "b")]) == [lost, astray]
    assert checked.finds(**deep) == {}


def test_what_is_still_on_its_way_is_no_fault(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [checked.born(day) for day in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(checked.environment.amp.adapters.queue, "publish", lambda *_: None)  # as if the writer had died
        checked.environment.edit(late[0], "never published")
        checked.born(4)
    assert checked.finds() == {}
    assert checked.finds(parameters={"deep": True}) == {}


def test_a_lost_bucket_is_missing_all_of_its_documents(checked: Checked) -> None:
    made = [checked.born(day) for day in range(DAYS)]
    checked.settle()
    checked.environment.amp.adapters.indices.drop(checked.bucket(made[-1]).index)
    checked.environment.amp.buckets.reconciliation.run(BUCKET_WORKER, heal=True)
    assert checked.finds().keys() == {str(asset.id) for asset in made[DAYS // 2 :]}
    assert counts(checked.run("fix")) == {"changed": DAYS // 2, "done": DAYS // 2}
    assert checked.finds() == {}
    assert len(checked.environment.seen()) == DAYS


def test_writes_during_a_check_raise_no_false_alarm(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    with running({"data_dir": tmp_path, "log_level": "error"} | SETTINGS) as amp:
        rest = Rest(create_app(amp))
        kind = rest.new_type()
        made = new_assets(rest, kind, 60)
        stop = threading.Event()
        writer = threading.Thread(target=_write, args=(rest, kind, made, random.Random(seed), stop))
        writer.start()
        try:
            for deep in (False, True, True):
                job = ran(rest, "check", {"all": True}, parameters={"deep": deep})
                assert results(rest, job["id"]) == {}
                assert set(counts(job)) <= {"done", "skipped"}
        finally:
            stop.set()
            writer.join(30)
        assert len(made) > 60, "the writer wrote"
        quiet = ran(rest, "check", {"type": kind}, parameters={"deep": True})
        assert counts(quiet) == {"done": len(made)}


def _write(rest: Rest, kind: str, made: list[str], rng: random.Random, stop: threading.Event) -> None:
    gone: set[str] = set()
    while not stop.wait(0.01):
        chosen = rng.choice(made)
        if rng.random() < 0.2:
            made.append(rest.new_asset(kind)["id"])
        elif chosen in gone:
            assert rest.post(f"/v1/assets/{chosen}/restore").status_code == 200
            gone.remove(chosen)
        elif rng.random() < 0.2:
            deleted(rest, chosen)
            gone.add(chosen)
        else:
            changed(rest, chosen, cameraId=rng.randrange(1000))
