"""The checks of random operations find what is wrong: one fault of each kind, planted into a history that is right."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from amp.domain.ids import mint_at
from tests.chaos.random_operations.checks import accusations
from tests.chaos.random_operations.histories import misled_names
from tests.chaos.random_operations.planted import NAME, PURGED, A, B, Planted, written
from tests.chaos.random_operations.request_log import Content, Fate, JobRequest, RequestLog
from tests.chaos.random_operations.stored_rows import Revision, StoredRows


def _lose_a_write(planted: Planted) -> None:
    del planted.heads[B], planted.revisions[B], planted.versions[B]


def _lose_the_last_write(planted: Planted) -> None:
    del planted.revisions[A][4]
    planted.change_head(A, revision=3, state="active")


def _lose_content(planted: Planted) -> None:
    planted.versions[A][1] = written(1, "other", 1, "hot")


def _lose_a_version(planted: Planted) -> None:
    del planted.versions[A][2]


def _lose_a_revision(planted: Planted) -> None:
    del planted.revisions[A][2]


def _answer_with_a_revision_of_others(planted: Planted) -> None:
    planted.patch.revision = 3


def _do_what_was_refused(planted: Planted) -> None:
    planted.add(B, "updated", "refused")
    planted.versions[B][2] = written(2, "m3", 3)
    planted.change_head(B, version=2)


def _change_unasked(planted: Planted) -> None:
    planted.add(B, "deleted", "nobody")
    planted.change_head(B, state="deleted")


def _do_another_thing(planted: Planted) -> None:
    planted.revisions[A][4] = planted.revisions[A][4]._replace(kind="restored")
    planted.change_head(A, state="active")


def _do_it_to_another_asset(planted: Planted) -> None:
    planted.delete.asset_id = B


def _ignore_if_match(planted: Planted) -> None:
    planted.patch.expected = 5


def _replace_what_was_to_be_new(planted: Planted) -> None:
    planted.patch.kind, planted.patch.only_new = "upsert", True


def _create_what_was_to_be_there(planted: Planted) -> None:
    planted.create.kind, planted.create.only_there = "upsert", True


def _create_over_a_revision(planted: Planted) -> None:
    planted.create.kind, planted.create.expected = "upsert", 0


def _ignore_if_none_match(planted: Planted) -> None:
    planted.patch.unless = 1


def _answer_that_it_was_new(planted: Planted) -> None:
    """Nothing had to be done, as the asset was there and as wanted."""
    again = planted._request("again", "upsert", Content(labels=("cold", "hot")), A, 3)
    assert planted.violations() == []
    again.only_new = True


def _do_what_the_store_was_not_asked(planted: Planted) -> None:
    """An item of a bulk that was answered with "nothing was written"."""
    planted.bulk[1].settle(Fate.REFUSED)


def _make_an_item_twice(planted: Planted) -> None:
    """By the bulk and by its repeat alone, while another item of the bulk was not made at all."""
    [first] = [request.asset_id for request in planted.bulk if request.fate is Fate.DONE]
    assert first is not None
    twin = mint_at(1_700_000_000_008)
    planted.heads[twin] = replace(planted.heads[first], id=twin)
    planted.revisions[twin] = {1: Revision("created", "bulk", uuid4())}
    planted.versions[twin] = planted.versions[first]
    lost = planted.bulk[1].asset_id
    assert lost is not None
    del planted.heads[lost], planted.revisions[lost], planted.versions[lost]


def _change_by_a_check(planted: Planted) -> None:
    planted.request_log.jobs.append(JobRequest("checker", "check-job", None, Content()))
    planted.add(B, "updated", "checker")
    planted.versions[B][2] = written(2, "m2", 2)
    planted.change_head(B, version=2)


def _delete_by_a_fix(planted: Planted) -> None:
    planted.request_log.jobs.append(JobRequest("fixer", "fix-job", None, Content()))
    planted.add(B, "deleted", "fixer")
    planted.change_head(B, state="deleted")


def _keep_a_dead_state(planted: Planted) -> None:
    planted.change_head(A, state="active")


def _keep_old_labels(planted: Planted) -> None:
    planted.change_head(A, labels=("hot",))


def _rename(planted: Planted) -> None:
    planted.change_head(A, project="blue")


def _make_twins_by_name(planted: Planted) -> None:
    planted.change_head(B, external_id="name")
    planted.other.name = NAME


def _make_twins_by_key(planted: Planted) -> None:
    twin = mint_at(1_700_000_000_009)
    planted.heads[twin] = replace(planted.heads[B], id=twin)
    planted.revisions[twin] = {1: Revision("created", "other", uuid4())}
    planted.versions[twin] = planted.versions[B]


def _change_what_the_query_did_not_select(planted: Planted) -> None:
    planted.job.label = "warm"


def _change_twice_by_one_job(planted: Planted) -> None:
    planted.patch.content = Content(labels=("cold",))
    planted.add(A, "updated", "updater")


def _purge_unasked(planted: Planted) -> None:
    planted.request_log.jobs.pop()


@pytest.mark.parametrize(
    ("plant", "wanted"),
    [
        (_lose_a_write, "lost"),
        (_lose_the_last_write, "lost"),
        (_lose_content, "not Played"),
        (_lose_a_version, "has no version 2"),
        (_lose_a_revision, "revisions [1, 3, 4]"),
        (_answer_with_a_revision_of_others, "made by updater"),
        (_do_what_was_refused, "it was refused"),
        (_change_unasked, "nobody asked for it"),
        (_do_another_thing, "asked for was delete"),
        (_do_it_to_another_asset, "asked of another asset"),
        (_ignore_if_match, "over revision 5"),
        (_replace_what_was_to_be_new, "if there was none"),
        (_create_what_was_to_be_there, "if there was one"),
        (_create_over_a_revision, "over revision 0"),
        (_ignore_if_none_match, "unless the revision is 1"),
        (_answer_that_it_was_new, "lost"),
        (_do_what_the_store_was_not_asked, "it was refused"),
        (_make_an_item_twice, "2 assets are creation m6"),
        (_change_by_a_check, "asked for was check-job"),
        (_delete_by_a_fix, "asked for was fix-job"),
        (_keep_a_dead_state, "is active, not deleted"),
        (_keep_old_labels, "has labels"),
        (_rename, "has the name blue/name"),
        (_make_twins_by_name, "twins"),
        (_make_twins_by_key, "2 revisions by the 1 requests"),
        (_change_what_the_query_did_not_select, "query asks for label warm"),
        (_change_twice_by_one_job, "2 times"),
        (_purge_unasked, "nobody asked for"),
    ],
)
def test_a_planted_fault_is_found(plant: Callable[[Planted], None], wanted: str) -> None:
    planted = Planted()
    plant(planted)
    assert any(wanted in violation for violation in planted.violations()), planted.violations()


def test_a_history_that_is_right_has_no_violations() -> None:
    assert Planted().violations() == []


def test_a_check_that_accuses_a_sound_asset_is_found() -> None:
    def job(**found: int) -> dict[str, object]:
        return {"kind": "check", "progress": {"counts": {"done": 2} | found}}

    left_behind = {str(A): "misleading: 'name' of project 'red'"}
    assert list(accusations(job(), {})) == []
    assert list(accusations(job(found=1), left_behind)) == []
    assert len(list(accusations(job(found=1), {str(A): f"{left_behind[str(A)]}; stale: {A} at 1, not 4"}))) == 1
    assert len(list(accusations(job(failed=1), {}))) == 1
    assert len(list(accusations(job(skipped=1), {}))) == 1


@pytest.mark.parametrize("leads_to", [str(B), None], ids=["elsewhere", "nowhere"])
def test_a_name_that_leads_elsewhere_is_found(leads_to: str | None) -> None:
    planted = Planted()
    rows = StoredRows(planted.heads, planted.revisions, planted.versions, [])
    free = ("blue", "free")
    assert list(misled_names([free], rows, {NAME: str(A), free: None})) == []
    assert len(list(misled_names([free], rows, {NAME: leads_to, free: None}))) == 1
    assert len(list(misled_names([free], rows, {NAME: str(A), free: str(A)}))) == 1


def test_a_job_that_leaves_its_end_is_found() -> None:
    request_log = RequestLog()
    request_log.saw_state("job", "cancelled", None)
    request_log.saw_state("job", "cancelled", "cancelled")
    assert request_log.violations == []
    request_log.saw_state("job", "paused", "cancelled")
    assert len(request_log.violations) == 1


def test_intents_of_changes_that_were_made_are_unpublished() -> None:
    planted = Planted()
    made = planted.revisions[B][1].change_id
    rows = StoredRows(planted.heads, planted.revisions, planted.versions, [(B, made), (A, uuid4()), (PURGED, made)])
    assert rows.unpublished() == [B]
