"""A lost index comes back whole by itself: an empty one stands in, a backfill refills it, and the map says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from amp.api.app import create_app
from amp.domain.buckets import Bucket
from amp.domain.chunks import ItemOutcome
from amp.domain.dead_letters import dead_letter_for
from amp.domain.ids import created_ms, mint_at
from amp.domain.jobs import AssetCheckpoint, AssetJob, JobProgress, JobState
from amp.domain.messages import JobItem, message_json
from amp.domain.moves import MoveKind
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.domain.selectors import Selector
from amp.ports.message_queue import Topic
from amp.worker import WorkerThreads
from tests.support.jobs.job_log import asset_job
from tests.support.moves.moving import current_map, move
from tests.support.service.amp_command import amp_command
from tests.support.service.rest import Rest
from tests.support.service.wired import PRINCIPAL, Wired, wired
from tests.support.stack.waiting import wait_until


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    quick = {"search_timeout_s": "1", "bucket_check_s": "0.2"}
    own = {"data_dir": tmp_path}
    settings = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with wired({**quick, **settings}) as found:
        yield found


@contextmanager
def working(environment: Wired) -> Iterator[None]:
    threads = WorkerThreads(environment.amp.background, environment.amp.workers)
    threads.start()
    try:
        yield
    finally:
        threads.stop(20)


def states(environment: Wired) -> list[str]:
    return [status.state for status in environment.amp.moves.reports.report(Principal()).buckets]


def test_a_lost_index_is_refilled_and_complete_again(either: Wired) -> None:
    with working(either):
        first, second, third = either.create("one"), either.create("two"), either.create("three")
        changed = either.edit(first, "one more")
        either.delete(second)
        wait_until(
            lambda: [item[0] for item in either.seen()] == sorted(map(str, (first.id, third.id))), 60, "two assets"
        )
        before = either.amp.adapters.documents.of_assets([first.id, second.id, third.id])
        [bucket] = either.amp.moves.reports.report(Principal()).buckets
        either.amp.adapters.indices.drop(bucket.bucket.index)
        wait_until(lambda: states(either) == ["open"], 60, "the bucket to be whole again")
        either.refresh()
        after = either.amp.adapters.documents.of_assets([first.id, second.id, third.id])
        # Superseded versions and tombstones, too.
        assert sorted((d.doc_id, d.revision) for _, d in after) == sorted((d.doc_id, d.revision) for _, d in before)
        assert {index for index, _ in after} != {bucket.bucket.index}
        assert either.amp.assets.reader.get(first.id, Principal()).revision == changed.revision
        [job] = [job for job in either.amp.adapters.jobs.page(None, 10) if job.kind == "reindex"]
        assert (job.state, job.requested_by) == ("completed", "bucket worker")


def test_readyz_names_a_lost_bucket_and_then_an_incomplete_one(either: Wired) -> None:
    rest = Rest(create_app(either.amp))
    [bucket] = either.amp.moves.reports.report(Principal()).buckets
    assert rest.get("/readyz").get_json()["buckets"] == []
    either.amp.adapters.indices.drop(bucket.bucket.index)
    assert rest.get("/v1/search").status_code == 503
    health = rest.get("/readyz").get_json()
    assert f"bucket {bucket.bucket.name}" in health["degraded"]
    missed = "its index is missing from searches, which fail until the bucket worker repairs this"
    assert [found["detail"] for found in health["buckets"]] == [missed]
    either.amp.buckets.reconciliation.run(BUCKET_WORKER)
    [found] = rest.get("/readyz").get_json()["buckets"]
    assert found["detail"] == "its index was lost, and not all documents are indexed again yet"


def test_a_search_of_an_incomplete_bucket_says_so_with_no_exact_total(either: Wired) -> None:
    rest = Rest(create_app(either.amp))
    one, two = either.create("one"), either.create("two")
    events = {event.asset_id: event for event in either.events(2)}
    either.index(*events.values())
    exact = {"total": "exact", "facets": {"names": {"field": "name"}}}
    whole = rest.post("/v1/search", json=exact).get_json()
    assert (whole["total"], whole["total_relation"], whole["incomplete_buckets"]) == (2, "eq", [])
    assert whole["facets"]["names"]["approximate"] is False
    [bucket] = either.amp.moves.reports.report(Principal()).buckets
    either.amp.adapters.indices.drop(bucket.bucket.index)
    either.amp.buckets.reconciliation.run(BUCKET_WORKER)
    either.index(events[two.id])
    partial = rest.post("/v1/search", json=exact).get_json()
    assert (partial["total"], partial["total_relation"]) == (1, "gte")
    assert partial["incomplete_buckets"] == [bucket.bucket.name]
    assert partial["facets"]["names"]["approximate"] is True
    assert rest.get("/v1/search?q=one").get_json()["incomplete_buckets"] == [bucket.bucket.name]
    found = rest.post("/v1/admin/buckets/reconcile", json={}).get_json()
    assert (found["items"], found["incomplete_buckets"]) == ([], [bucket.bucket.name])
    order = {"kind": "reindex", "selector": {"query": "name:one"}}
    notes = [note["text"] for note in rest.post("/v1/admin/jobs", json=order).get_json()["history"]]
    text = f"bucket {bucket.bucket.name} is incomplete: some of its documents are not indexed yet"
    assert f"assets may be missed, as {text}" in notes
    assert either.head(one.id).name == "one"


def test_the_command_line_warns_of_an_incomplete_bucket(tmp_path: Path) -> None:
    env = {"AMP_DATA_DIR": tmp_path}
    with wired(env) as environment:
        environment.create("one")
        [bucket] = environment.amp.moves.reports.report(Principal()).buckets
        environment.amp.adapters.indices.drop(bucket.bucket.index)
        environment.amp.buckets.reconciliation.run(BUCKET_WORKER)
        environment.amp.moves.refill.run()
        [status] = environment.amp.jobs.control.page(None, 10, Principal())
        environment.amp.jobs.control.cancel(status.job.id, PRINCIPAL)
    incomplete = f"bucket {bucket.bucket.name} is incomplete: some of its documents are not indexed yet"
    warning = f"assets may be missing, because {incomplete}"
    for options in ((), ("--json",), ("--all", "--json"), ("--all",)):
        found = amp_command("search", "", *options, env=env)
        assert found.exit_code == 0
        assert found.stderr.count(warning) == 1
        assert warning not in found.stdout
    result = amp_command("admin", "buckets", "reconcile", env=env)
    assert result.exit_code == 1
    assert incomplete in result.stderr


def test_a_cancelled_refill_leaves_the_bucket_incomplete_for_good(either: Wired) -> None:
    either.create("one")
    [bucket] = either.amp.moves.reports.report(Principal()).buckets
    either.amp.adapters.indices.drop(bucket.bucket.index)
    assert [finding.healed for finding in either.amp.buckets.reconciliation.run(BUCKET_WORKER)] == [True]
    either.amp.moves.refill.run()
    [status] = either.amp.jobs.control.page(None, 10, Principal())
    either.amp.jobs.control.cancel(status.job.id, PRINCIPAL)
    either.amp.moves.refill.run()
    assert states(either) == ["incomplete"]
    assert len(either.amp.jobs.control.page(None, 10, Principal())) == 1


def test_a_refill_is_complete_once_none_of_its_dead_letters_is_left(either: Wired) -> None:
    a = either.amp.adapters
    [bucket] = either.amp.moves.reports.report(Principal()).buckets
    a.indices.drop(bucket.bucket.index)
    either.amp.buckets.reconciliation.run(BUCKET_WORKER)
    either.amp.moves.refill.run()
    [status] = either.amp.jobs.control.page(None, 10, Principal())
    event = JobItem(job_id=status.job.id, chunk=0, asset_id=mint_at(1))
    payload = orjson.dumps(message_json(event))
    dead_letter = dead_letter_for(Topic.BULK, event, payload, "bad", "", a.clock.now_ms())
    a.dead_letters.put(dead_letter)
    a.jobs.save_progress(status.job.id, JobProgress(done=1, counts={ItemOutcome.FAILED: 1}), AssetCheckpoint())
    a.jobs.set_state(status.job.id, JobState.COMPLETED, ended_ms=2)
    either.amp.moves.refill.run()
    assert states(either) == ["incomplete"]
    a.dead_letters.remove([dead_letter.id])
    either.amp.moves.refill.run()
    assert states(either) == ["open"]


def test_a_refill_from_before_a_merge_does_not_complete_the_other_bucket(either: Wired) -> None:
    a = either.amp.adapters
    move(either, MoveKind.ROLL, at_s=1_000)
    older, newer = current_map(either).buckets
    lose(either, older)
    [refill] = a.jobs.open()
    a.jobs.set_state(refill.id, JobState.COMPLETED, ended_ms=1)
    either.amp.moves.refill.run()
    assert states(either) == ["open", "open"]
    lose(either, newer)
    [refill] = a.jobs.open()
    either.amp.jobs.control.cancel(refill.id, PRINCIPAL)
    move(either, MoveKind.MERGE)
    either.amp.moves.refill.run()
    assert states(either) == ["incomplete"]
    [refill] = a.jobs.open()
    assert isinstance(refill, AssetJob)
    assert refill.parameters.selector == Selector(from_ms=0)
    a.jobs.set_state(refill.id, JobState.COMPLETED, ended_ms=1)
    either.amp.moves.refill.run()
    assert states(either) == ["open"]


def lose(environment: Wired, bucket: Bucket) -> None:
    """Its index, and let an empty one stand in and its refill begin."""
    environment.amp.adapters.indices.drop(bucket.index)
    assert [finding.healed for finding in environment.amp.buckets.reconciliation.run(BUCKET_WORKER)] == [True]
    environment.amp.moves.refill.run()


def test_a_refill_that_ends_after_later_jobs_completes_its_bucket(
    either: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.moves.refill._JOBS_AT_ONCE", 2)
    jobs = either.amp.adapters.jobs
    [bucket] = either.amp.moves.reports.report(Principal()).buckets
    either.amp.adapters.indices.drop(bucket.bucket.index)
    either.amp.buckets.reconciliation.run(BUCKET_WORKER)
    either.amp.moves.refill.run()
    [refill] = jobs.open()
    for n in range(1, 6):
        later = asset_job(id=mint_at(created_ms(refill.id) + n))
        jobs.add(later)
        jobs.set_state(later.id, JobState.COMPLETED, ended_ms=1)
    jobs.set_state(refill.id, JobState.COMPLETED, ended_ms=2)
    either.amp.moves.refill.run()
    assert states(either) == ["open"]
    assert len(jobs.page(None, 10)) == 6
