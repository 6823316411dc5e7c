"""A bucket that refuses writes holds up nobody else's documents, loses none of its own, and is named in health."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from amp.domain.assets import Asset, Scope
from amp.domain.buckets import index_of
from amp.domain.changes import Draft
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState
from amp.domain.messages import AssetChanged
from amp.domain.moves import MoveKind
from amp.domain.principals import BUCKET_WORKER
from amp.domain.selectors import Selector
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import RawDocument
from amp.ports.message_queue import Topic
from amp.services.assets.creation import CreateRequest
from amp.services.jobs.submit import JobRequest
from amp.services.moves.copy_documents import DocumentCopy
from amp.worker import WorkerThreads
from tests.support.service.wired import PRINCIPAL, Wired, wired
from tests.support.stack.waiting import wait_until

_OLD_S = 1_000_000_000
_FIRST = "19700101000000"
DEADLINE_S = 60


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.3)
    monkeypatch.setattr("amp.services.buckets.refusals.PROBE_S", 0.3)
    monkeypatch.setattr("amp.services.indexing.handle.PROBE_S", 0.3)
    own = {"data_dir": tmp_path}
    settings = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with wired({"search_timeout_s": "1", **settings}) as environment:
        environment.amp.moves.planning.start(MoveKind.ROLL, _FIRST, _OLD_S + 1_000, None, PRINCIPAL)
        assert environment.amp.moves.runner.advance(threading.Event())
        yield environment


def old(environment: Wired, name: str) -> Asset:
    """An asset of the first bucket."""
    draft = Draft(type="clip", name=name, metadata={}, id=mint_at(_OLD_S * 1000))
    asset = environment.amp.assets.creation.create(CreateRequest(draft), PRINCIPAL)
    environment.mine.add(asset.id)
    return asset


@contextmanager
def indexing(environment: Wired) -> Iterator[None]:
    threads = WorkerThreads(
        environment.amp.background, {kind: environment.amp.workers[kind] for kind in ("index", "relay")}
    )
    threads.start()
    try:
        yield
    finally:
        threads.stop(20)


def first_index(environment: Wired) -> str:
    found = environment.amp.adapters.buckets.load()
    assert found is not None
    return found.buckets[0].index


def shows(environment: Wired, *assets: Asset) -> None:
    wanted = sorted(str(asset.id) for asset in assets)

    def seen() -> bool:
        environment.refresh()
        return [item[0] for item in environment.seen()] == wanted

    wait_until(seen, DEADLINE_S, f"{len(assets)} assets in searches")


def lag(environment: Wired, topic: Topic, group: str) -> int:
    return environment.amp.adapters.queue.lag(topic, group)


def test_other_buckets_are_indexed_while_one_refuses_and_it_catches_up(either: Wired) -> None:
    either.amp.adapters.indices.block(first_index(either))
    with indexing(either):
        waiting = [old(either, "one"), old(either, "two")]
        wait_until(lambda: lag(either, Topic.RETRY, "index-retry") >= 2, DEADLINE_S, "both to be set aside")
        new = either.create("new")
        shows(either, new)
        wait_until(lambda: lag(either, Topic.REALTIME, "index") == 0, DEADLINE_S, "the queue of live traffic")
        [bucket] = either.amp.system.health.check().buckets
        assert (bucket.name, bucket.healthy) == (_FIRST, False)
        assert "refuses writes" in bucket.detail
        assert f"bucket {_FIRST}" in either.amp.system.health.check().degraded
    # Killed or stopped: they are durable, and whoever comes next has them.
    either.amp.adapters.indices.unblock(first_index(either))
    with indexing(either):
        shows(either, new, *waiting)
        wait_until(lambda: lag(either, Topic.RETRY, "index-retry") == 0, DEADLINE_S, "the retry queue")


def test_when_the_retry_queue_is_full_all_wait_and_nothing_is_committed(
    either: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = either.amp.indexing.indexer.retries
    monkeypatch.setitem(vars(retries), "max_changes", 1)
    refused: list[UUID] = []
    add = retries.add

    def counted_add(events: Sequence[AssetChanged]) -> bool:
        taken = add(events)
        if not taken:
            refused.extend(event.asset_id for event in events)
        return taken

    monkeypatch.setitem(vars(retries), "add", counted_add)
    either.amp.adapters.indices.block(first_index(either))
    with indexing(either):
        kept = old(either, "one")
        wait_until(lambda: lag(either, Topic.RETRY, "index-retry") == 1, DEADLINE_S, "one to be set aside")
        held = old(either, "two")
        # Twice: after the first time it could still have been committed.
        wait_until(lambda: refused.count(held.id) >= 2, DEADLINE_S, "the second to be refused twice")
        assert lag(either, Topic.REALTIME, "index") == 1
        either.amp.adapters.indices.unblock(first_index(either))
        shows(either, kept, held)


def test_a_bucket_that_is_not_complete_is_named(either: Wired) -> None:
    assert either.amp.system.health.check().buckets == []
    either.amp.adapters.indices.drop(first_index(either))
    either.amp.buckets.reconciliation.run(BUCKET_WORKER)
    [bucket] = either.amp.system.health.check().buckets
    assert (bucket.name, bucket.healthy) == (_FIRST, False)
    assert "not all documents are indexed again" in bucket.detail


def test_a_move_waits_for_a_refusing_target_and_searches_stay_right(
    either: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.moves.run._WAITS_AFTER_S", 0.0)
    indices = either.amp.adapters.indices
    stop = threading.Event()
    with indexing(either):
        before = old(either, "before")
        shows(either, before)
        job = either.amp.moves.planning.start(MoveKind.REBUILD, _FIRST, None, None, PRINCIPAL)
        copied = DocumentCopy.put

        def refused(self: DocumentCopy, alias: str, documents: list[RawDocument]) -> None:
            indices.block(index_of(alias))
            copied(self, alias, documents)

        monkeypatch.setattr(DocumentCopy, "put", refused)
        with pytest.raises(SearchUnavailable):
            either.amp.moves.runner.advance(stop)
        found = either.amp.adapters.buckets.load()
        assert found is not None
        assert found.move is not None
        assert found.move.writes_both
        new = old(either, "new")
        shows(either, before, new)
        wait_until(lambda: lag(either, Topic.REALTIME, "index") == 0, DEADLINE_S, "the queue of live traffic")
        assert lag(either, Topic.RETRY, "index-retry") == 0
        [bucket] = either.amp.system.health.check().buckets
        assert bucket.name == _FIRST
        assert f"waits for {found.move.target}" in bucket.detail
        record = either.amp.adapters.jobs.get(job.id)
        assert record is not None
        assert any(note.text.startswith("dual waits: ") for note in record.history)
        monkeypatch.setattr(DocumentCopy, "put", copied)
        indices.unblock(found.move.target)
        assert either.amp.moves.runner.advance(stop)
        shows(either, before, new)
    ended = either.amp.adapters.jobs.get(job.id)
    assert ended is not None
    assert ended.state is JobState.COMPLETED


@contextmanager
def jobs_running(environment: Wired) -> Iterator[None]:
    threads = WorkerThreads(
        environment.amp.background, {kind: environment.amp.workers[kind] for kind in ("job", "extract")}
    )
    threads.start()
    try:
        yield
    finally:
        threads.stop(20)


def job_of(environment: Wired, kind: str, *assets: Asset, **parameters: int) -> UUID:
    order = JobRequest(kind=kind, selector=Selector(), ids=[asset.id for asset in assets], parameters=parameters)
    return environment.amp.jobs.submission.submit(order, PRINCIPAL).id


def job_in(environment: Wired, job_id: UUID) -> Job:
    job = environment.amp.adapters.jobs.get(job_id)
    assert job is not None
    return job


def await_end(environment: Wired, job_id: UUID) -> dict[str, int]:
    """What became of how many."""
    wait_until(lambda: job_in(environment, job_id).state.ended, DEADLINE_S, "the end of the job")
    assert job_in(environment, job_id).state is JobState.COMPLETED
    return {outcome: count for outcome, count in (job_in(environment, job_id).progress.counts or {}).items() if count}


@pytest.mark.parametrize("kind", ["reindex", "purge"])
def test_jobs_of_other_buckets_end_while_items_of_one_wait_that_refuses(
    either: Wired, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.jobs.send_chunks._LOST_S", 0.5)
    index = first_index(either)
    waiting, new = [old(either, "one"), old(either, "two")], either.create("new")
    purges = kind == "purge"
    for asset in (*waiting, new) if purges else ():
        either.delete(asset)
    with indexing(either):
        shows(either, *(() if purges else (*waiting, new)))
        wait_until(lambda: lag(either, Topic.REALTIME, "index") == 0, DEADLINE_S, "the queue of live traffic")
    more = {"retention_s": 0} if purges else {}
    outcome = "changed" if purges else "done"
    either.amp.adapters.indices.block(index)
    with jobs_running(either):
        held = job_of(either, kind, *waiting, **more)
        wait_until(lambda: len(job_in(either, held).history) > 1, DEADLINE_S, "items to be set aside")
        assert await_end(either, job_of(either, kind, new, **more)) == {outcome: 1}
        assert not job_in(either, held).state.ended
        assert job_in(either, held).progress.done == 0
        assert "refuses writes" in job_in(either, held).history[-1].text
        either.amp.adapters.indices.unblock(index)
        assert await_end(either, held) == {outcome: 2}
    either.refresh()
    left = either.amp.adapters.documents.of_assets([asset.id for asset in (*waiting, new)])
    heads = either.amp.adapters.store.heads([asset.id for asset in (*waiting, new)])
    assert len(left) == (0 if purges else 3)
    assert all(head.is_stripped is purges for head in heads.values())


class Pauses(threading.Event):
    """Never set; counts the waits and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nobody waits here
        self.count += 1
        return False


def test_a_retried_batch_waits_once_and_reads_nothing_of_a_refusing_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.0)
    with wired({"data_dir": tmp_path}) as environment:
        environment.amp.moves.planning.start(MoveKind.ROLL, _FIRST, _OLD_S + 1_000, None, PRINCIPAL)
        assert environment.amp.moves.runner.advance(threading.Event())
        waiting = [old(environment, f"asset {number}") for number in range(30)]
        light = environment.events(30)
        # As heavy as assets with many versions.
        heavy = [replace(event, version=40, scope=Scope.ALL) for event in light[:10]]
        healthy = environment.create("new")
        batch = [*heavy, *light[10:], *environment.events(1)]
        environment.amp.adapters.indices.block(first_index(environment))
        assert environment.amp.indexing.indexer.handle(light[:1], threading.Event()) == {}
        read: list[UUID] = []
        store = environment.amp.adapters.store
        for name, reads in (("heads", store.heads), ("each_head", store.each_head)):
            monkeypatch.setattr(store, name, lambda ids, reads=reads: [read.extend(ids), reads(ids)][1])
        pauses = Pauses()
        before = lag(environment, Topic.RETRY, "index-retry")
        assert environment.amp.indexing.indexer.handle_retries(batch, pauses) == {}
        assert pauses.count == 1
        assert read == [healthy.id]
        assert lag(environment, Topic.RETRY, "index-retry") == before + len(waiting)
        shows(environment, healthy)
