"""Whatever order events come in, however often and however late, the index ends as the store is."""

import random
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from amp.domain.assets import Scope, Version
from amp.domain.criteria import IndexQuery, OneOf, RootField, RootMatches, SortBy
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from amp.ports.search_index import Put, PutResult
from amp.services.indexing.build_documents import DocumentBuilder
from tests.support.service.wired import Wired, embedded, wired


@pytest.fixture(scope="module")
def cluster(cluster_settings: dict[str, str]) -> Iterator[Wired]:
    with wired(cluster_settings) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    if request.param == "cluster":
        yield Wired(request.getfixturevalue("cluster").amp)
    else:
        with wired(embedded(tmp_path)) as made:
            yield made


def test_a_created_asset_is_found_and_an_edit_shows_in_its_place(service: Wired) -> None:
    asset = service.create(cameraId=5)
    service.index(*service.events(1))
    assert service.seen() == [(str(asset.id), 1, 1)]
    edited = service.edit(asset, "second")
    service.index(*service.events(1))
    assert service.seen() == [(str(asset.id), 2, 2)]
    assert service.seen(all_versions=True) == [(str(asset.id), 1, 1), (str(asset.id), 2, 2)]
    assert edited.revision == 2


def test_labels_make_a_revision_and_no_version(service: Wired) -> None:
    asset = service.label(service.create(), "b", "a", "b")
    assert (asset.version, asset.revision, asset.labels) == (1, 2, ("a", "b"))
    service.index(*service.events(2))
    assert service.seen(all_versions=True) == [(str(asset.id), 1, 2)]


def test_events_reversed_repeated_and_shuffled_leave_the_index_right(service: Wired) -> None:
    asset = service.create()
    for n in range(2, 6):
        service.edit(asset, f"name {n}")
    other = service.create("other")
    service.delete(other)
    events = service.events(7)
    expected = [(str(asset.id), n, n) for n in range(1, 6)]
    rng = random.Random(7)
    for order in (events[::-1], events * 2, rng.sample(events * 3, k=21)):
        for event in order:
            service.index(event)
        assert service.seen() == [(str(asset.id), 5, 5)]
        assert service.seen(all_versions=True) == expected


def test_a_deleted_asset_does_not_come_back_by_a_late_event(service: Wired) -> None:
    asset = service.edit(service.create(), "second")
    before = service.documents(2)
    service.delete(asset)
    service.index(*service.events(1))
    assert service.seen(all_versions=True) == []
    # A worker that built its documents before the deletion, and slept.
    assert service.amp.indexing.indexer.writer.write(before, threading.Event()) == {}
    service.refresh()
    assert service.seen(all_versions=True) == []


def test_a_restored_asset_shows_with_all_its_versions(service: Wired) -> None:
    asset = service.edit(service.create(), "second")
    service.delete(asset)
    service.index(*service.events(3))
    assert service.seen(all_versions=True) == []
    restored = service.restore(asset)
    service.index(*service.events(1))
    assert service.seen() == [(str(asset.id), 2, restored.revision)]
    assert [(version, revision) for _, version, revision in service.seen(all_versions=True)] == [(1, 1), (2, 4)]


def test_deleting_and_restoring_what_is_so_already_changes_nothing(service: Wired) -> None:
    asset = service.create()
    assert service.restore(asset).revision == 1
    assert service.delete(asset).revision == 2
    assert service.delete(asset).revision == 2


def test_an_event_of_an_asset_that_is_not_there_is_left_alone(service: Wired) -> None:
    asset = service.create()
    (event,) = service.events(1)
    ghost = AssetChanged(
        asset_id=type(asset.id)(int=asset.id.int + 1),
        version=1,
        revision=1,
        scope=Scope.HEAD,
        change_id=event.change_id,
    )
    service.index(ghost, event)
    assert service.seen() == [(str(asset.id), 1, 1)]


def test_the_relay_publishes_what_the_writer_could_not(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(service.amp.adapters.queue, "publish", lambda *_: None)  # as if the process had died here
        asset = service.create()
    patch_clock = service.amp.adapters.clock
    later = patch_clock.now_ms() + 60_000
    monkeypatch.setattr(patch_clock, "now_ms", lambda: later)
    assert service.amp.outbox.relay.relay_once() == 1
    (event,) = service.events(1)
    assert (event.asset_id, event.revision) == (asset.id, 1)
    assert service.amp.outbox.relay.relay_once() == 0, "the intent of a delivered event is cleared"


def test_the_relay_keeps_an_intent_while_the_queue_is_down(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, queue = service.amp.adapters.clock, service.amp.adapters.queue
    start = clock.now_ms()
    with monkeypatch.context() as patch:
        patch.setattr(queue, "publish", lambda *_: None)
        patch.setattr(queue, "flush", lambda _: False)
        asset = service.create()
        patch.setattr(clock, "now_ms", lambda: start + 300_000)
        assert service.amp.outbox.relay.relay_once() == 1
        assert service.amp.outbox.relay.relay_once() == 0, "not asked for again at once"
    monkeypatch.setattr(clock, "now_ms", lambda: start + 400_000)
    assert service.amp.outbox.relay.relay_once() == 1
    assert service.events(1)[0].asset_id == asset.id


def test_an_intent_never_applied_is_read_ever_more_rarely_then_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wired(embedded(tmp_path)) as service:
        clock, store, intents = service.amp.adapters.clock, service.amp.adapters.store, service.amp.adapters.intents

        def die(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(store, "apply", die)  # the writer dies between intent and condition
            with pytest.raises(KeyboardInterrupt):
                service.create()
        start = clock.now_ms()
        looked_at = [start]
        while found := intents.due(start + 30 * 86_400_000, 10):
            looked_at.append(found[0].due_ms)
            monkeypatch.setattr(clock, "now_ms", lambda at=found[0].due_ms: at)
            monkeypatch.setattr(clock, "monotonic_s", lambda at=found[0].due_ms: at / 1000)
            assert service.amp.outbox.relay.relay_once() == 1
        pauses = [later - earlier for earlier, later in pairwise(looked_at)]
        # Once it is old enough to be dropped, it is kept for another minute, as clocks may disagree.
        assert pauses[:-1] == sorted(pauses[:-1])
        assert pauses[-1] == 60_000
        assert 5 < len(looked_at) < 30
        assert 86_400_000 < looked_at[-1] - start < 3 * 86_400_000


def test_the_worker_puts_aside_what_the_index_rejects_and_goes_on(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, healthy = service.create("poison"), service.create("healthy")
    build = DocumentBuilder.build

    def spoil(builder: DocumentBuilder, changes: Any) -> object:
        built = build(builder, changes)
        for asset in built.documents:
            if asset.asset_id == poison.id:
                asset.documents[0].body["no_such_field"] = 1  # type: ignore[typeddict-unknown-key]
                asset.documents[0].body["created_ms"] = "not a number"  # type: ignore[typeddict-item]
        return built

    monkeypatch.setattr(DocumentBuilder, "build", spoil)
    stop = threading.Event()
    worker = threading.Thread(target=service.amp.workers["index"], args=(stop,))
    worker.start()
    try:
        queue = service.amp.adapters.queue
        deadline = service.amp.adapters.clock.monotonic_s() + 30
        while service.seen() == [] or queue.lag(Topic.REALTIME, "index") > 0:
            service.refresh()
            assert service.amp.adapters.clock.monotonic_s() < deadline, "the worker never came to the end"
            stop.wait(0.05)
    finally:
        stop.set()
        worker.join(30)
    service.refresh()
    assert service.seen() == [(str(healthy.id), 1, 1)]
    assert service.amp.metrics.dead_letters._value.get() == 1


def test_puts_that_meet_a_busy_index_are_repeated_until_it_takes_them(service: Wired) -> None:
    asset = service.edit(service.create(), "second")
    documents = service.documents(2)
    indices = service.amp.adapters.indices
    (index,) = [info.index for info in indices.info()]
    stop = threading.Event()
    indices.block(index)
    try:
        with ThreadPoolExecutor(1) as pool:
            putting = pool.submit(service.amp.indexing.indexer.writer.write, documents, stop)
            try:
                with pytest.raises(TimeoutError):
                    putting.result(timeout=0.5)
                indices.unblock(index)
                assert putting.result(timeout=30) == {}
            finally:
                stop.set()
    finally:
        indices.unblock(index)
    service.refresh()
    assert service.seen(all_versions=True) == [(str(asset.id), 1, 1), (str(asset.id), 2, 2)]


def test_versions_past_the_number_kept_leave_index_and_store(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"versions_kept": 3}) as service:
        asset = service.create()
        for n in range(2, 7):
            service.edit(asset, f"name {n}")
            service.index(*service.events(2 if n == 2 else 1))
        assert [version for _, version, _ in service.seen(all_versions=True)] == [4, 5, 6]
        _, kept, more = service.amp.assets.reader.versions(asset.id, None, 10)
        assert ([version.version for version in kept], more) == ([6, 5, 4], False)


def test_an_event_from_before_a_purge_drops_no_version_of_a_recreation(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"versions_kept": 3}) as service:
        asset = service.create()
        service.edit(asset, "second")
        service.index(*service.events(2))
        service.index(AssetChanged(asset_id=asset.id, version=4, revision=1, scope=Scope.HEAD, change_id=uuid4()))
        assert [version for _, version, _ in service.seen(all_versions=True)] == [1, 2]


def test_the_head_of_an_asset_with_many_versions_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.indexing.build_documents._VERSIONS_AT_ONCE", 2)
    with wired(embedded(tmp_path) | {"versions_kept": 6}) as service:
        asset = service.create()
        for n in range(2, 9):
            asset = service.edit(asset, f"name {n}")
        service.delete(asset)
        events, put, real = service.events(9), [], service.amp.adapters.index.put

        def noting(puts: Sequence[Put]) -> list[PutResult]:
            put.append([each.document.doc_id.removeprefix(str(asset.id)) for each in puts])
            return real(puts)

        monkeypatch.setattr(service.amp.adapters.index, "put", noting)
        service.index(*events[-2:])
        # The head is the last to be there: whoever sees it sees all of them.
        assert put == [[":3", ":4"], [":5", ":6"], [":7", ":2", ""]]
        service.refresh()
        found = service.amp.adapters.documents.of_assets([asset.id])
        assert {document.revision for _, document in found} == {9}
        assert service.amp.indexing.indexer.index_all([asset.id], threading.Event()).rejected == {}
        assert put[3:] == [[":3", ":4"], [":5", ":6"], [":7", ""]]


def test_what_was_indexed_and_what_was_dropped_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amp.services.indexing.build_documents._VERSIONS_AT_ONCE", 2)
    monkeypatch.setattr("amp.services.indexing.handle.PROBE_S", 0.01)
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.0)
    with wired(embedded(tmp_path) | {"versions_kept": 6}) as service:
        asset, metrics = service.create(), service.amp.metrics
        for n in range(2, 9):
            asset = service.edit(asset, f"name {n}")
        service.delete(asset)
        events, indices = service.events(9), service.amp.adapters.indices
        (index,) = [info.index for info in indices.info()]

        def counted() -> tuple[float, float]:
            return metrics.events_indexed._value.get(), metrics.versions_dropped._value.get()

        assert counted() == (0, 2)
        indices.block(index)
        for handle in (service.amp.indexing.indexer.handle, service.amp.indexing.indexer.handle_retries):
            assert handle(events, threading.Event()) == {}
            assert counted() == (0, 2), "they are set aside"
        indices.unblock(index)
        monkeypatch.setattr("amp.services.buckets.refusals.PROBE_S", 0.0)
        assert service.amp.indexing.indexer.handle_retries(events, threading.Event()) == {}
        assert counted() == (9, 2)


def test_an_asset_edited_between_two_pages_comes_once(service: Wired) -> None:
    edited, other = service.create(), service.create()
    service.index(*service.events(2))
    mine = RootMatches(RootField.ID, (OneOf(tuple(map(str, service.mine))),))
    oldest_first = IndexQuery(criteria=mine, size=1, sort=(SortBy(root=RootField.CREATED, key=None, descending=False),))
    index = service.amp.adapters.index
    (first,) = index.search(oldest_first).hits
    assert orjson.loads(first.source)["id"] == str(edited.id)
    service.edit(edited, "second")
    service.index(*service.events(1))
    (second,) = index.search(replace(oldest_first, after=first.sort)).hits
    assert orjson.loads(second.source)["id"] == str(other.id)


def test_all_documents_of_an_asset_with_many_versions_are_put_in_parts(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = service.create()
    for number in range(2, 51):
        service.edit(asset, f"name {number}")
    service.delete(asset)
    service.restore(asset)
    store, put = service.amp.adapters.store, service.amp.adapters.index.put
    read, put_at_once = store.versions, []
    asked: list[int] = []

    def count_versions(wanted: Mapping[UUID, Collection[int]]) -> Mapping[tuple[UUID, int], Version]:
        asked.append(sum(map(len, wanted.values())))
        return read(wanted)

    def count_puts(puts: Sequence[Put]) -> Sequence[PutResult]:
        put_at_once.append(len(puts))
        return put(puts)

    monkeypatch.setattr(store, "versions", count_versions)
    monkeypatch.setattr(service.amp.adapters.index, "put", count_puts)
    service.amp.indexing.indexer.index(service.events(52)[-1:], threading.Event())
    service.refresh()
    assert max(asked) <= 20
    assert max(put_at_once) <= 21
    expected = [(str(asset.id), version, version) for version in range(1, 50)] + [(str(asset.id), 50, 52)]
    assert service.seen(all_versions=True) == expected
