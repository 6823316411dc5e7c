"""Check and fix while a bucket or the index refuses what a fix has to write."""

from collections.abc import Sequence

import pytest

from amp.domain.buckets import index_of
from amp.domain.jobs import JobState
from amp.domain.moves import MoveKind, Phase
from amp.ports.bucket_documents import RawDocument
from amp.ports.message_queue import Topic
from amp.ports.search_index import PutResult, WriteStatus
from tests.support.consistency.checked import (
    DAYS,
    Checked,
    make_checked,  # noqa: F401 - the fixture `checked`
)
from tests.support.jobs.calls import DEADLINE_S, counts, results
from tests.support.moves.moving import current_map, phase_of, start, working
from tests.support.moves.moving import ended as moved
from tests.support.stack.waiting import wait_until


def test_jobs_end_without_false_differences_while_a_bucket_refuses(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.3)
    monkeypatch.setattr("amp.services.buckets.refusals.PROBE_S", 0.3)
    monkeypatch.setattr("amp.services.indexing.handle.PROBE_S", 0.3)
    amp = checked.environment.amp
    asset = checked.born(0)
    checked.settle()
    index = checked.bucket(asset).index
    amp.adapters.indices.block(index)
    checked.environment.label(asset, "late")
    with working(checked.environment, "index", "relay"):
        # Twice where the relay was faster than the clearing of the intent.
        wait_until(lambda: amp.adapters.queue.lag(Topic.RETRY, "index-retry") >= 1, DEADLINE_S, "it to be set aside")
    for kind in ("check", "fix"):
        job = checked.run(kind)
        assert job["state"] == "completed"
        assert counts(job)["skipped"] == 1
        assert counts(job).keys() <= {"skipped", "done"}
    amp.adapters.indices.unblock(index)
    with working(checked.environment, "index", "relay"):
        wait_until(lambda: amp.adapters.queue.lag(Topic.RETRY, "index-retry") == 0, DEADLINE_S, "it to be indexed")
    assert checked.finds() == {}


def test_a_fix_gives_up_what_it_cannot_write_to_a_bucket_that_refuses(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.3)
    monkeypatch.setattr("amp.services.consistency.check._FORGOTTEN_S", 1.0)
    asset = checked.born(0)
    checked.settle()
    checked.remove(asset, str(asset.id), 1)
    index = checked.bucket(asset).index
    checked.environment.amp.adapters.indices.block(index)
    try:
        job = checked.run("fix")
        assert job["state"] == "completed"
        assert counts(job)["failed"] == 1
        [(outcome, note)] = results(checked.rest, job["id"]).values()
        assert (outcome, note) == ("failed", f"not repaired: missing: {asset.id}")
    finally:
        checked.environment.amp.adapters.indices.unblock(index)


def _ghost(checked: Checked, *, in_target: bool = False) -> str:
    """A document of no version that is there, beside an asset of the last day."""
    asset = checked.born(DAYS - 1)
    checked.settle()
    doc_id = f"{asset.id}:9"
    checked.put(asset, doc_id, 1, version=9, latest=False)
    if in_target:
        a, bucket_map = checked.environment.amp.adapters, current_map(checked.environment)
        source, target = bucket_map.write_aliases(asset.created_ms)
        [(_, bare)] = [found for found in a.documents.of_assets([asset.id]) if found[1].doc_id == doc_id]
        [[copy]] = a.documents.with_bodies(index_of(source), [bare])
        assert a.documents.put(target, [copy])[0].status is WriteStatus.DONE
    return doc_id


def test_a_ghost_removed_during_a_move_stays_away_after_the_switch(checked: Checked) -> None:
    environment = checked.environment
    checked.born(DAYS - 1)  # a move with nothing to copy does not pause
    checked.settle()
    job = start(environment, MoveKind.REBUILD, bucket=1)
    environment.amp.adapters.jobs.set_state(job.id, JobState.PAUSED)
    with working(environment, "bucket"):
        wait_until(lambda: phase_of(environment) is Phase.DUAL, DEADLINE_S, "writers to write to both")
    _ghost(checked, in_target=True)
    assert counts(checked.run("fix")) == {"changed": 1, "done": 1}
    assert phase_of(environment) is Phase.DUAL
    environment.amp.adapters.jobs.set_state(job.id, JobState.RUNNING)
    with working(environment, "bucket"):
        assert moved(environment, job).state is JobState.COMPLETED
    assert checked.finds() == {}


def test_a_fix_reports_what_the_index_rejects_and_does_not_retry_it(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    doc_id, asked = _ghost(checked), []

    def rejecting(_alias: str, some: Sequence[RawDocument]) -> list[PutResult]:
        asked.extend(some)
        return [PutResult(WriteStatus.REJECTED, "it may not go")] * len(some)

    monkeypatch.setattr(checked.environment.amp.adapters.documents, "delete", rejecting)
    job = checked.run("fix")
    [(outcome, note)] = results(checked.rest, job["id"]).values()
    reported = f"not repaired: ghost: {doc_id} at revision 1 (the index rejects it: it may not go)"
    assert (outcome, note, len(asked)) == ("failed", reported, 1)
