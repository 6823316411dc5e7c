"""A dry run that fails leaves no dead letters."""

import pytest

from amp.bootstrap import Amp
from amp.ports.message_queue import Topic
from amp.services.jobs.worker import JOBS_GROUP
from tests.support.jobs.calls import DEADLINE_S, counts, ended, letters, new_assets, ran, results, started
from tests.support.service.rest import Rest, unique
from tests.support.stack.waiting import wait_until


def test_a_dry_run_leaves_no_dead_letters(rest: Rest) -> None:
    project = unique("p")
    lacking, _ = rest.new_type({"remark": {"type": "string"}}), rest.new_type()
    bad = rest.new_asset(lacking, project=project)["id"]
    update = {"parameters": {"set": {"codec": "hevc"}}, "dry_run": True}
    job = ran(rest, "update-metadata", {"project": project}, **update)
    assert counts(job) == {"failed": 1}
    assert letters(rest, f"?job={job['id']}") == []
    [(asset_id, (outcome, note))] = results(rest, job["id"]).items()
    assert (asset_id, outcome) == (bad, "failed")
    assert "/metadata/codec" in note
    strict = ended(rest, started(rest, "update-metadata", {"project": project}, max_failures=0, **update), "failed")
    assert counts(strict) == {"failed": 1}
    assert letters(rest, f"?job={strict['id']}") == []


def test_a_dry_run_that_fails_as_a_whole_leaves_no_dead_letters(
    service: Amp, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_assets(rest, rest.new_type(), 1)
    with monkeypatch.context() as patch:
        patch.setattr(service.adapters.chunks, "record", _cannot_record)
        job = ended(rest, started(rest, "delete", {"ids": made}, dry_run=True), "failed")
        assert job["reason"] == "unexpected error: RuntimeError('cannot record')"
        # The dead letters would come after the end of the job, and before the event is committed.
    wait_until(lambda: service.adapters.queue.lag(Topic.BULK, JOBS_GROUP) == 0, DEADLINE_S, "the job's event")
    assert letters(rest, f"?job={job['id']}") == []


def _cannot_record(*_: object) -> None:
    raise RuntimeError("cannot record")
