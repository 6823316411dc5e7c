"""Buckets are split, merged and rebuilt in both profiles. What searches return stays the same, whatever happens."""

import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from amp.adapters.embedded.cache import MemoryCache
from amp.domain.jobs import JobState
from amp.domain.limits import SearchLimits
from amp.domain.move_phases import hold
from amp.domain.moves import MoveKind, Phase
from amp.domain.principals import BUCKET_WORKER
from amp.errors import BucketNotFound, Conflict, SearchUnavailable, Unprocessable
from amp.ports.bucket_documents import RawDocument
from amp.ports.bucket_indices import AliasChange
from amp.ports.search_index import PutResult, WriteStatus
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.moves.cleanup import MoveCleanup
from amp.services.moves.copy_range import RangeCopy
from amp.services.search.resolve import QueryResolver
from amp.services.search.search import AssetSearch, SearchQuery
from tests.support.moves.moving import (
    BORN_MS,
    DEADLINE_S,
    change_map,
    current_map,
    ended,
    fill,
    held_documents,
    indexed,
    make_cluster,  # noqa: F401 - the fixture `cluster`, which `service` asks for
    make_service,  # noqa: F401 - the fixture `service`
    move,
    phase_of,
    start,
    working,
)
from tests.support.service.wired import PRINCIPAL, Wired
from tests.support.stack.waiting import wait_until


def test_a_bucket_is_split_merged_and_rebuilt_and_searches_show_the_same(service: Wired) -> None:
    shown = fill(service)
    split = move(service, MoveKind.SPLIT)
    assert split.state is JobState.COMPLETED
    halves = held_documents(service)
    assert len(halves) == 2
    assert min(halves) > 0
    assert sum(halves) == len(shown)
    assert service.seen(all_versions=True) == shown
    assert move(service, MoveKind.MERGE).state is JobState.COMPLETED
    assert held_documents(service) == [len(shown)]
    assert service.seen(all_versions=True) == shown
    before = current_map(service).buckets[0].index
    assert move(service, MoveKind.REBUILD).state is JobState.COMPLETED
    assert current_map(service).buckets[0].index != before
    assert held_documents(service) == [len(shown)]
    assert service.seen(all_versions=True) == shown
    assert service.amp.buckets.reconciliation.run(BUCKET_WORKER) == []


def test_writes_after_a_split_go_to_their_bucket_despite_late_events(service: Wired) -> None:
    fill(service)
    assets = sorted(service.mine, key=lambda asset_id: asset_id.int)
    move(service, MoveKind.SPLIT)
    late = service.head(assets[-4])
    service.edit(late, "after the split")
    deleted = service.head(assets[-8])
    service.delete(deleted)
    with working(service, "index"):
        wait_until(lambda: indexed(service), DEADLINE_S, "the index worker")
    service.refresh()
    heads = {asset_id: revision for asset_id, _, revision in service.seen()}
    assert heads[str(late.id)] == late.revision + 1
    assert str(deleted.id) not in heads


def test_a_roll_opens_an_empty_bucket_ahead_of_time(service: Wired) -> None:
    shown = fill(service, 8)
    at_s = BORN_MS // 1000 + 1_000_000
    assert move(service, MoveKind.ROLL, at_s=at_s).state is JobState.COMPLETED
    assert [bucket.start_s for bucket in current_map(service).buckets] == [0, at_s]
    assert held_documents(service) == [len(shown), 0]
    assert service.seen(all_versions=True) == shown


@pytest.mark.parametrize("kind", [MoveKind.SPLIT, MoveKind.MERGE, MoveKind.REBUILD])
def test_a_cancelled_move_leaves_things_as_they_were(service: Wired, kind: MoveKind) -> None:
    shown = fill(service)
    if kind is MoveKind.MERGE:
        move(service, MoveKind.SPLIT)
    before = [(bucket.start_s, bucket.index) for bucket in current_map(service).buckets]
    documents = held_documents(service)
    job = start(service, kind, rate=1.0)  # slow enough to be caught in the middle
    with working(service, "bucket"):
        wait_until(lambda: phase_of(service) is Phase.DUAL, DEADLINE_S, "the copying")
        service.amp.moves.planning.cancel(job.id, PRINCIPAL)
        assert ended(service, job).state is JobState.CANCELLED
    assert [(bucket.start_s, bucket.index) for bucket in current_map(service).buckets] == before
    assert held_documents(service) == documents
    assert service.seen(all_versions=True) == shown
    assert service.amp.buckets.reconciliation.run(BUCKET_WORKER) == []
    assert move(service, kind).state is JobState.COMPLETED, "nothing is in the way of doing it after all"
    assert service.seen(all_versions=True) == shown


def test_an_interrupted_move_is_taken_up_by_the_next_worker(service: Wired) -> None:
    shown = fill(service)
    job = start(service, MoveKind.SPLIT, rate=1.0)
    with working(service, "bucket"):
        wait_until(lambda: phase_of(service) is Phase.DUAL, DEADLINE_S, "the copying")
    service.amp.adapters.jobs.set_rate(job.id, None)
    with working(service, "bucket"):
        assert ended(service, job).state is JobState.COMPLETED
    assert service.seen(all_versions=True) == shown


def test_a_paused_move_waits_until_it_is_resumed(service: Wired) -> None:
    shown = fill(service)
    job = start(service, MoveKind.SPLIT)
    service.amp.adapters.jobs.set_state(job.id, JobState.PAUSED)
    with working(service, "bucket"):
        wait_until(lambda: phase_of(service) is Phase.DUAL, DEADLINE_S, "the copying")
        service.amp.adapters.jobs.set_state(job.id, JobState.RUNNING)
        assert ended(service, job).state is JobState.COMPLETED
    assert service.seen(all_versions=True) == shown


def test_writers_do_not_wait_for_a_mover_that_died_while_it_held_them(service: Wired) -> None:
    fill(service)
    job = start(service, MoveKind.SPLIT, rate=1.0)
    with working(service, "bucket"):
        wait_until(lambda: phase_of(service) is Phase.DUAL, DEADLINE_S, "the copying")
    # The mover held the writers, and died.
    change_map(service, hold)
    held = current_map(service)
    assert held.move is not None
    source = held.move.source
    (alias,) = next(i.write_aliases for i in service.amp.adapters.indices.info() if i.index == source)
    taken = AliasChange(remove_write=((source, alias),), add_write=((source, f"{source}-w{held.move.phase_token}"),))
    assert service.amp.adapters.indices.change_aliases(taken)
    service.amp.adapters.indices.block(source)
    waiting = service.create("waits")
    with working(service, "index"):
        wait_until(lambda: indexed(service), DEADLINE_S, "the writers to help themselves")
    service.refresh()
    assert (str(waiting.id), 1, 1) in service.seen()
    assert phase_of(service) is Phase.DUAL
    service.amp.adapters.jobs.set_rate(job.id, None)
    with working(service, "bucket"):
        assert ended(service, job).state is JobState.COMPLETED
    assert (str(waiting.id), 1, 1) in service.seen()


def test_two_movers_at_once_do_no_harm(service: Wired) -> None:
    shown = fill(service)
    job = start(service, MoveKind.SPLIT)
    stop = threading.Event()
    movers = [threading.Thread(target=service.amp.moves.runner.advance, args=(stop,)) for _ in range(2)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(DEADLINE_S)
    assert ended(service, job).state is JobState.COMPLETED
    assert service.seen(all_versions=True) == shown
    assert sum(held_documents(service)) == len(shown)


def test_a_mover_that_slept_while_another_ended_its_move_says_nothing(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(service)
    job, stop, clean = start(service, MoveKind.REBUILD), threading.Event(), MoveCleanup.clean

    def after_another(clear: MoveCleanup, *of: Any, **more: Any) -> None:
        monkeypatch.setattr(MoveCleanup, "clean", clean)
        assert service.amp.moves.runner.advance(stop)
        clean(clear, *of, **more)

    monkeypatch.setattr(MoveCleanup, "clean", after_another)
    with capture_logs() as logs:
        service.amp.moves.runner.advance(stop)
    assert ended(service, job).state is JobState.COMPLETED
    assert [line for line in logs if line["log_level"] == "error"] == []


def test_a_move_says_why_its_source_keeps_documents(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(service)
    job, documents = start(service, MoveKind.SPLIT), service.amp.adapters.documents

    def rejecting(_alias: str, some: list[RawDocument]) -> list[PutResult]:
        return [PutResult(WriteStatus.REJECTED, "not today")] * len(some)

    with monkeypatch.context() as patch:
        patch.setattr(documents, "delete", rejecting)
        with pytest.raises(SearchUnavailable, match="documents could not be removed: not today"):
            service.amp.moves.runner.advance(threading.Event())
    with working(service, "bucket"):
        assert ended(service, job).state is JobState.COMPLETED


@pytest.mark.parametrize(
    ("kind", "phase", "lost"),
    [
        (MoveKind.MERGE, Phase.DUAL, "both"),
        (MoveKind.SPLIT, Phase.DUAL, "target"),
        (MoveKind.SPLIT, Phase.SWITCHED, "target"),
    ],
)
def test_a_move_whose_index_is_lost_ends(
    service: Wired, monkeypatch: pytest.MonkeyPatch, kind: MoveKind, phase: Phase, lost: str
) -> None:
    fill(service)
    if kind is MoveKind.MERGE:
        move(service, MoveKind.SPLIT)
    job, stop, amp = start(service, kind), threading.Event(), service.amp
    step = (RangeCopy, "run") if phase is Phase.DUAL else (MoveCleanup, "clean")

    def stopped(*_: Any, **__: Any) -> None:
        raise SearchUnavailable("stopped here")

    with monkeypatch.context() as patch:
        patch.setattr(*step, stopped)
        with pytest.raises(SearchUnavailable):
            amp.moves.runner.advance(stop)
    assert phase_of(service) is phase
    moving = current_map(service).move
    assert moving is not None
    for index in [moving.target] if lost == "target" else [moving.source, moving.target]:
        amp.adapters.indices.drop(index)
    with working(service, "bucket"):
        ended(service, job)
    amp.buckets.reconciliation.run(BUCKET_WORKER)
    infos = {info.index for info in amp.adapters.indices.info()}
    assert infos == {bucket.index for bucket in current_map(service).buckets}
    assert amp.buckets.reconciliation.run(BUCKET_WORKER) == []


def test_a_search_that_knows_the_buckets_of_before_a_merge_is_answered(service: Wired) -> None:
    shown = fill(service)
    move(service, MoveKind.SPLIT)
    a, limits = service.amp.adapters, SearchLimits(total=10_000, timeout_s=5)
    old = BucketMaps(a.buckets, MemoryCache(), a.clock, refresh_s=3600)
    assert len(old.current().buckets) == 2
    searches = AssetSearch(
        index=a.index,
        resolver=QueryResolver(catalog=service.amp.types.catalog, limits=limits),
        cursors=service.amp.search.cursors,
        maps=old,
        limits=limits,
    )
    assert searches.search(SearchQuery(size=0, all_versions=True), PRINCIPAL).total == len(shown)
    move(service, MoveKind.MERGE)
    assert searches.search(SearchQuery(size=0, all_versions=True), PRINCIPAL).total == len(shown)


def test_what_cannot_be_done_is_refused_with_the_reason(service: Wired) -> None:
    plan = service.amp.moves.planning
    with pytest.raises(BucketNotFound):
        plan.start(MoveKind.SPLIT, "20990101000000", None, None, PRINCIPAL)
    with pytest.raises(Unprocessable, match="empty"):
        start(service, MoveKind.SPLIT)
    with pytest.raises(Unprocessable, match="no next bucket"):
        start(service, MoveKind.MERGE)
    fill(service, 8, apart_ms=1)
    with pytest.raises(Unprocessable, match="within one second"):
        start(service, MoveKind.SPLIT)
    with pytest.raises(Unprocessable, match="one side"):
        start(service, MoveKind.SPLIT, at_s=BORN_MS // 1000 - 5)
    job = start(service, MoveKind.REBUILD)
    with pytest.raises(Conflict, match=str(job.id)):
        start(service, MoveKind.REBUILD)
    with working(service, "bucket"):
        ended(service, job)
    with pytest.raises(Conflict, match="ended"):
        plan.cancel(job.id, PRINCIPAL)
