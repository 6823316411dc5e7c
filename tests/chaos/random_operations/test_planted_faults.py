"""The checks of random operations find what is wrong: one fault of each kind, planted into a history that is right."""

import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from amp.domain.ids import mint_at
from tests.chaos.random_operations.checks import accusations
from tests.chaos.random_operations.histories import Histories, misled_names
from tests.chaos.random_operations.request_log import Content, Fate, JobRequest, Request, RequestLog
from tests.chaos.random_operations.stored_rows import HeadRow, Revision, StoredRows, Written

_A, _B, _PURGED, _C, _D = (mint_at(1_700_000_000_000 + n) for n in range(5))
_NAME = ("red", "name")


class Planted:
    """An asset that was created, labelled by PATCH, updated by a job and deleted; one that was not changed since it was
    created; one that was purged; and two of a bulk without a key, the second of which nobody was told of."""

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.create = self._request("creator", "create", Content("m1", 1, ("hot",)), _A, 1, name=_NAME)
        self.patch = self._request("patcher", "patch", Content(labels=("cold", "hot")), _A, 2)
        self.patch.expected = 1
        self.job = JobRequest("updater", "update-job", "cold", Content(number=7))
        self.delete = self._request("deleter", "delete", Content(), _A, 4)
        self.other = self._request("other", "create", Content("m2", 2, ()), _B, 1, name=("red", None))
        self.refused = self._request("refused", "put", Content("m3", 3, ()), None, None, fate=Fate.REFUSED)
        self.gone = self._request("gone", "create", Content("m4", 4, ()), _PURGED, 1, name=_NAME)
        self.bulk = [self._item(_C, "m6"), self._item(_D, "m7", fate=Fate.UNKNOWN)]
        purge = JobRequest("purger", "purge-job", None, Content(), frozenset((_PURGED,)))
        self.request_log.jobs += [self.job, purge]
        self.heads = {
            _A: HeadRow(_A, "deleted", 4, 2, "red", "name", ("cold", "hot"), "creator"),
            _B: HeadRow(_B, "active", 1, 1, "red", None, (), "other"),
            _PURGED: HeadRow(_PURGED, "purged", 3, 1, "", None, (), ""),
            _C: HeadRow(_C, "active", 1, 1, "red", None, (), "bulk"),
            _D: HeadRow(_D, "active", 1, 1, "red", None, (), "bulk"),
        }
        made = [("created", "creator"), ("labelled", "patcher"), ("updated", "updater"), ("deleted", "deleter")]
        self.revisions = {
            _A: {n: Revision(kind, by, uuid4()) for n, (kind, by) in enumerate(made, 1)},
            _B: {1: Revision("created", "other", uuid4())},
            _PURGED: {3: Revision("purged", "purger", uuid4())},
            _C: {1: Revision("created", "bulk", uuid4())},
            _D: {1: Revision("created", "bulk", uuid4())},
        }
        self.versions = {
            _A: {1: _written(1, "m1", 1, "hot"), 2: _written(3, "m1", 7, "cold", "hot")},
            _B: {1: _written(1, "m2", 2)},
            _C: {1: _written(1, "m6", 6)},
            _D: {1: _written(1, "m7", 6)},
        }

    def violations(self) -> list[str]:
        return Histories(StoredRows(self.heads, self.revisions, self.versions, []), self.request_log).check()

    def change_head(self, asset_id: UUID, **fields: object) -> None:
        self.heads[asset_id] = replace(self.heads[asset_id], **fields)

    def add(self, asset_id: UUID, kind: str, by: str) -> None:
        """One more revision of the asset."""
        number = self.heads[asset_id].revision + 1
        self.revisions[asset_id][number] = Revision(kind, by, uuid4())
        self.change_head(asset_id, revision=number)

    def _item(self, asset_id: UUID, mark: str, fate: Fate = Fate.DONE) -> Request:
        content = Content(mark, 6, ())
        return self._request("bulk", "create", content, asset_id, 1, name=("red", None), fate=fate)

    def _request(
        self, principal: str, kind: str, content: Content, asset_id: UUID | None, revision: int | None,
        *, fate: Fate = Fate.DONE, name: tuple[str, str | None] | None = None,
    ) -> Request:  # fmt: skip
        request = Request(principal, kind, content, asset_id, name, fate, revision)
        self.request_log.requests.append(request)
        return request


def _written(revision: int, mark: str, number: int, *labels: str) -> Written:
    return Written(revision, json.dumps({"mark": mark, "number": number}), labels)


def _lose_a_write(planted: Planted) -> None:
    del planted.heads[_B], planted.revisions[_B], planted.versions[_B]


def _lose_the_last_write(planted: Planted) -> None:
    del planted.revisions[_A][4]
    planted.change_head(_A, revision=3, state="active")


def _lose_content(planted: Planted) -> None:
    planted.versions[_A][1] = _written(1, "other", 1, "hot")


def _lose_a_version(planted: Planted) -> None:
    del planted.versions[_A][2]


def _lose_a_revision(planted: Planted) -> None:
    del planted.revisions[_A][2]


def _answer_with_a_revision_of_others(planted: Planted) -> None:
    planted.patch.revision = 3


def _do_what_was_refused(planted: Planted) -> None:
    planted.add(_B, "updated", "refused")
    planted.versions[_B][2] = _written(2, "m3", 3)
    planted.change_head(_B, version=2)


def _change_unasked(planted: Planted) -> None:
    planted.add(_B, "deleted", "nobody")
    planted.change_head(_B, state="deleted")


def _do_another_thing(planted: Planted) -> None:
    planted.revisions[_A][4] = planted.revisions[_A][4]._replace(kind="restored")
    planted.change_head(_A, state="active")


def _do_it_to_another_asset(planted: Planted) -> None:
    planted.delete.asset_id = _B


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
    again = planted._request("again", "upsert", Content(labels=("cold", "hot")), _A, 3)
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
    planted.add(_B, "updated", "checker")
    planted.versions[_B][2] = _written(2, "m2", 2)
    planted.change_head(_B, version=2)


def _delete_by_a_fix(planted: Planted) -> None:
    planted.request_log.jobs.append(JobRequest("fixer", "fix-job", None, Content()))
    planted.add(_B, "deleted", "fixer")
    planted.change_head(_B, state="deleted")


def _keep_a_dead_state(planted: Planted) -> None:
    planted.change_head(_A, state="active")


def _keep_old_labels(planted: Planted) -> None:
    planted.change_head(_A, labels=("hot",))


def _rename(planted: Planted) -> None:
    planted.change_head(_A, project="blue")


def _make_twins_by_name(planted: Planted) -> None:
    planted.change_head(_B, external_id="name")
    planted.other.name = _NAME


def _make_twins_by_key(planted: Planted) -> None:
    twin = mint_at(1_700_000_000_009)
    planted.heads[twin] = replace(planted.heads[_B], id=twin)
    planted.revisions[twin] = {1: Revision("created", "other", uuid4())}
    planted.versions[twin] = planted.versions[_B]


def _change_what_the_query_did_not_select(planted: Planted) -> None:
    planted.job.label = "warm"


def _change_twice_by_one_job(planted: Planted) -> None:
    planted.patch.content = Content(labels=("cold",))
    planted.add(_A, "updated", "updater")


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
        (_rename, "bears the name blue/name"),
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

    left_behind = {str(_A): "misleading: 'name' of project 'red'"}
    assert list(accusations(job(), {})) == []
    assert list(accusations(job(found=1), left_behind)) == []
    assert len(list(accusations(job(found=1), {str(_A): f"{left_behind[str(_A)]}; stale: {_A} at 1, not 4"}))) == 1
    assert len(list(accusations(job(failed=1), {}))) == 1
    assert len(list(accusations(job(skipped=1), {}))) == 1


@pytest.mark.parametrize("leads_to", [str(_B), None], ids=["elsewhere", "nowhere"])
def test_a_name_that_leads_elsewhere_is_found(leads_to: str | None) -> None:
    planted = Planted()
    rows = StoredRows(planted.heads, planted.revisions, planted.versions, [])
    free = ("blue", "free")
    assert list(misled_names([free], rows, {_NAME: str(_A), free: None})) == []
    assert len(list(misled_names([free], rows, {_NAME: leads_to, free: None}))) == 1
    assert len(list(misled_names([free], rows, {_NAME: str(_A), free: str(_A)}))) == 1


def test_a_job_that_leaves_its_end_is_found() -> None:
    request_log = RequestLog()
    request_log.saw_state("job", "cancelled", None)
    request_log.saw_state("job", "cancelled", "cancelled")
    assert request_log.violations == []
    request_log.saw_state("job", "paused", "cancelled")
    assert len(request_log.violations) == 1


def test_intents_of_changes_that_were_made_are_unpublished() -> None:
    planted = Planted()
    made = planted.revisions[_B][1].change_id
    rows = StoredRows(planted.heads, planted.revisions, planted.versions, [(_B, made), (_A, uuid4()), (_PURGED, made)])
    assert rows.unpublished() == [_B]
