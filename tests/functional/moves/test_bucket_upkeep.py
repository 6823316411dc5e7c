"""What the bucket worker sees to by itself: the next bucket in time, large buckets split, map and index in step."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from amp.bootstrap import Amp
from amp.domain.buckets import Bucket
from amp.domain.ids import mint_at
from amp.domain.jobs import JobState
from amp.domain.moves import MoveKind
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.errors import BucketNotFound, Conflict, JobNotFound
from amp.ports.bucket_indices import AliasChange, ReadFilter
from tests.functional.moves.conftest import FIRST, PRINCIPAL, bucket_map, found, imported, indexed, moved, newest
from tests.support.jobs.job_log import move_job
from tests.support.service.amp_command import amp_command
from tests.support.service.wired import Wired, wired


def block(environment: Wired, bucket: Bucket) -> None:
    environment.amp.adapters.indices.block(bucket.index)


def rename(environment: Wired, bucket: Bucket) -> None:
    change = AliasChange(
        remove_write=((bucket.index, bucket.write_alias),), add_write=((bucket.index, f"{bucket.index}-w77"),)
    )
    assert environment.amp.adapters.indices.change_aliases(change)


def add_alias(environment: Wired, bucket: Bucket) -> None:
    change = AliasChange(add_write=((bucket.index, f"{bucket.index}-w77"),))
    assert environment.amp.adapters.indices.change_aliases(change)


def hide(environment: Wired, bucket: Bucket) -> None:
    assert environment.amp.adapters.indices.change_aliases(AliasChange(remove_read=(bucket.index,)))


def narrow(environment: Wired, bucket: Bucket) -> None:
    change = AliasChange(set_read=(ReadFilter(bucket.index, 0, 1000),))
    assert environment.amp.adapters.indices.change_aliases(change)


HARMS: list[tuple[Callable[[Wired, Bucket], None], str]] = [
    (block, "writes are blocked"),
    (rename, "write aliases are"),
    (add_alias, "write aliases are"),
    (hide, "searches read a different range of it"),
    (narrow, "searches read a different range of it"),
]


def test_what_disagrees_with_the_map_is_reported_then_healed(either: Wired) -> None:
    ids, bucket = indexed(either), newest(either)
    for harm, problem in HARMS:
        assert found(either) == []
        harm(either, bucket)
        for _ in range(2):
            [(index, reported, healed)] = found(either)
            assert (index, healed) == (bucket.index, False)
            assert reported.startswith(problem)
        assert [finding[2] for finding in found(either, heal=True)] == [True]
        assert found(either) == []
        ids += indexed(either)
        assert [item[0] for item in either.seen()] == sorted(ids)


def test_a_lost_index_is_reported_and_replaced_as_incomplete(either: Wired) -> None:
    indexed(either)
    lost = newest(either)
    either.amp.adapters.indices.drop(lost.index)
    assert [status.state for status in either.amp.moves.reports.report(Principal()).buckets] == ["lost"]
    with pytest.raises(Conflict, match="is lost"):
        either.amp.moves.planning.start(MoveKind.REBUILD, FIRST, None, None, PRINCIPAL)
    assert [finding[2] for finding in found(either)] == [False]
    [(index, reported, healed)] = found(either, heal=True)
    assert (index, healed) == (lost.index, True)
    made = newest(either)
    assert made.index in reported
    assert made.index != lost.index
    assert [status.state for status in either.amp.moves.reports.report(Principal()).buckets] == ["incomplete"]
    assert found(either) == []
    assert either.seen() == []
    ids = indexed(either)
    assert [item[0] for item in either.seen()] == ids


def test_lost_indices_are_replaced_and_refilled_buckets_done_in_one_pass(
    environment: Wired,
) -> None:
    a = environment.amp.adapters
    for at_s in (3_000, 2_000, 1_000):
        environment.amp.moves.planning.start(MoveKind.ROLL, FIRST, at_s, None, PRINCIPAL)
        moved(environment)
    lost = bucket_map(environment).buckets
    assert len(lost) == 4
    for bucket in lost:
        a.indices.drop(bucket.index)
    assert [finding[2] for finding in found(environment, heal=True)] == [True] * 4
    assert [bucket.incomplete for bucket in bucket_map(environment).buckets] == [True] * 4
    assert found(environment) == []
    environment.amp.moves.refill.run()
    for job in a.jobs.open():
        a.jobs.set_state(job.id, JobState.COMPLETED, ended_ms=1)
    generation = bucket_map(environment).generation
    environment.amp.moves.refill.run()
    assert bucket_map(environment).incomplete == ()
    assert bucket_map(environment).generation == generation + 1


def test_an_index_of_no_bucket_is_reported_and_left_alone(environment: Wired) -> None:
    index = newest(environment).index.rpartition("-")[0] + "-99"
    assert environment.amp.adapters.indices.create(index)
    for heal in (True, False):
        assert found(environment, heal=heal) == [(index, "belongs to no bucket", False)]


def test_while_a_move_is_under_way_nothing_is_touched(environment: Wired) -> None:
    indexed(environment)
    environment.amp.moves.planning.start(MoveKind.REBUILD, FIRST, None, None, PRINCIPAL)
    block(environment, newest(environment))
    assert found(environment, heal=True) == []
    assert [info.blocked for info in environment.amp.adapters.indices.info()] == [True]
    moved(environment)
    assert found(environment) == []


@pytest.mark.cluster
def test_templates_that_let_writes_make_indices_are_found(fresh_cluster_settings: dict[str, str]) -> None:
    with wired({**fresh_cluster_settings}) as environment:
        prefix = environment.amp.settings.elasticsearch_index_prefix
        api = _elasticsearch(environment.amp)
        content = api.indices.get_index_template(name=f"{prefix}-assets").body["index_templates"][0]["index_template"]
        api.indices.put_index_template(name=f"{prefix}-assets", body=content | {"allow_auto_create": True})
        other = {"index_patterns": [f"{prefix}-19*"], "priority": 900}
        api.indices.put_index_template(name=f"{prefix}-other", body=other)
        try:
            ours = (f"{prefix}-assets", "the index template lets writes create indices")
            theirs = (
                f"{prefix}-other",
                "this index template takes precedence over that of AMP and lets writes create indices",
            )
            assert found(environment) == [(*ours, False), (*theirs, False)]
            advice = [line for line in _doctor(fresh_cluster_settings)["advice"] if "reconcile" in line]
            assert [line.partition("; see")[0] for line in advice] == [": ".join(ours), ": ".join(theirs)]
            assert found(environment, heal=True) == [(*ours, True), (*theirs, False)]
            api.indices.put_index_template(name=f"{prefix}-other", body=other | {"allow_auto_create": False})
            assert found(environment) == []
            api.indices.delete_index_template(name=f"{prefix}-assets")
            assert found(environment, heal=True) == [(f"{prefix}-assets", "the index template is missing", True)]
            assert found(environment) == []
        finally:
            api.indices.delete_index_template(name=f"{prefix}-other")


def test_doctor_reports_differences(settings: dict[str, object]) -> None:
    with wired(settings) as environment:
        bucket = newest(environment)
        block(environment, bucket)
    report = _doctor(settings)
    assert report["healthy"] is False
    assert report["advice"] == [f"{bucket.index}: writes are blocked; see `amp admin buckets reconcile`"]


def test_doctor_names_a_bucket_that_is_not_complete(settings: dict[str, object]) -> None:
    with wired(settings) as environment:
        environment.amp.adapters.indices.drop(newest(environment).index)
        environment.amp.system.migration.run()
        assert bucket_map(environment).buckets[0].incomplete
    [advice] = _doctor(settings)["advice"]
    assert advice.startswith(f"bucket {FIRST} is degraded: its index was lost")


def test_a_move_nobody_knows_cannot_be_planned_or_cancelled(environment: Wired) -> None:
    with pytest.raises(BucketNotFound):
        environment.amp.moves.planning.preview(MoveKind.REBUILD, "20200101000000", None, None, Principal())
    with pytest.raises(JobNotFound):
        environment.amp.moves.planning.cancel(mint_at(0), PRINCIPAL)
    with pytest.raises(JobNotFound):
        environment.amp.jobs.control.get(mint_at(0), Principal())


def test_a_job_whose_move_never_came_into_the_map_has_failed(environment: Wired) -> None:
    now_ms, jobs = environment.amp.adapters.clock.now_ms(), environment.amp.adapters.jobs
    late, fresh = (move_job(id=mint_at(now_ms - age_ms)) for age_ms in (120_000, 0))
    for job in (late, fresh):
        jobs.add(job)
    found = environment.amp.jobs.control.get(late.id, Principal()).job
    assert (found.state, found.reason[:14]) == (JobState.FAILED, "it never began")
    assert [note.text for note in found.history] == [f"failed: {found.reason}"]
    assert jobs.get(late.id) == found
    assert environment.amp.jobs.control.get(fresh.id, Principal()).job.state is JobState.RUNNING


def test_a_pause_that_comes_after_the_end_of_a_move_is_refused(environment: Wired) -> None:
    job = environment.amp.moves.planning.start(MoveKind.REBUILD, FIRST, None, None, PRINCIPAL)
    assert environment.amp.jobs.control.get(job.id, Principal()).job.state is JobState.RUNNING
    environment.amp.moves.planning.cancel(job.id, PRINCIPAL)
    moved(environment)
    assert not environment.amp.adapters.jobs.set_state(job.id, JobState.PAUSED)
    with pytest.raises(Conflict, match="has ended: cancelled"):
        environment.amp.jobs.control.pause(job.id, PRINCIPAL)
    found = environment.amp.jobs.control.get(job.id, Principal()).job
    assert found.state is JobState.CANCELLED
    assert [note.text for note in found.history] == ["cancelled by tester", "ended"]
    assert [status.job.state for status in environment.amp.jobs.control.page(None, 10, Principal())] == [
        JobState.CANCELLED
    ]


def test_a_move_refused_by_a_changed_map_says_so_in_its_history(
    environment: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.amp.moves.planning.maps, "replace", lambda *_: False)
    with pytest.raises(Conflict, match="changed meanwhile"):
        environment.amp.moves.planning.start(MoveKind.REBUILD, FIRST, None, None, PRINCIPAL)
    [job] = environment.amp.adapters.jobs.page(None, 10)
    [note] = environment.amp.jobs.control.get(job.id, Principal()).job.history
    assert note.text == f"failed: {job.reason}"


def test_metrics_show_the_buckets_the_move_under_way_and_what_moved(either: Wired) -> None:
    imported(either, [1_600_000_000, 1_600_000_010, 1_600_000_020])
    before = shown(either)
    assert before["amp_buckets"] == 1
    assert before[f'amp_bucket_documents{{bucket="{FIRST}"}}'] == 3
    assert before[f'amp_bucket_bytes{{bucket="{FIRST}"}}'] > 0
    assert before["amp_move_hold_seconds_count"] == before["amp_move_documents_total"] == 0
    assert not [name for name in before if name.startswith("amp_move_phase")]
    either.amp.moves.planning.start(MoveKind.SPLIT, FIRST, 1_600_000_010, None, PRINCIPAL)
    assert shown(either)['amp_move_phase{kind="split",phase="plan"}'] == 1
    moved(either)
    after = shown(either)
    assert after["amp_buckets"] == 2
    assert after['amp_bucket_documents{bucket="20200913122650"}'] == 2
    assert (after["amp_move_hold_seconds_count"], after["amp_move_documents_total"]) == (1, 2)
    block(either, newest(either))
    for findings, heal in ((1, True), (0, True)):
        either.amp.buckets.reconciliation.run(BUCKET_WORKER, heal=heal)
        assert shown(either)["amp_bucket_findings"] == findings


def shown(environment: Wired) -> dict[str, float]:
    """Every sample of the metrics, by name and labels."""
    lines = environment.amp.metrics.expose().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def _elasticsearch(amp: Amp) -> Any:
    return amp.adapters.guard._client.api  # type: ignore[union-attr]  # that of the cluster profile


def _doctor(settings: Any) -> dict[str, Any]:
    env = {name if name.startswith("AMP_") else f"AMP_{name.upper()}": value for name, value in settings.items()}
    report: dict[str, Any] = json.loads(amp_command("doctor", "--json", env=env).stdout)
    return report
