"""Whatever order events come in, however often and however late, the index ends as the store is."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from amp.services.indexing.build_documents import DocumentBuilder
from tests.support.service.wired import Wired, embedded, wired


def test_a_created_asset_is_found_and_an_edit_shows_in_its_place(wired_service: Wired) -> None:
    asset = wired_service.create(cameraId=5)
    wired_service.index(*wired_service.events(1))
    assert wired_service.seen() == [(str(asset.id), 1, 1)]
    edited = wired_service.edit(asset, "second")
    wired_service.index(*wired_service.events(1))
    assert wired_service.seen() == [(str(asset.id), 2, 2)]
    assert wired_service.seen(all_versions=True) == [(str(asset.id), 1, 1), (str(asset.id), 2, 2)]
    assert edited.revision == 2


def test_labels_make_a_revision_and_no_version(wired_service: Wired) -> None:
    asset = wired_service.label(wired_service.create(), "b", "a", "b")
    assert (asset.version, asset.revision, asset.labels) == (1, 2, ("a", "b"))
    wired_service.index(*wired_service.events(2))
    assert wired_service.seen(all_versions=True) == [(str(asset.id), 1, 2)]


def test_events_reversed_repeated_and_shuffled_leave_the_index_right(wired_service: Wired) -> None:
    asset = wired_service.create()
    for n in range(2, 6):
        wired_service.edit(asset, f"name {n}")
    other = wired_service.create("other")
    wired_service.delete(other)
    events = wired_service.events(7)
    expected = [(str(asset.id), n, n) for n in range(1, 6)]
    rng = random.Random(7)
    for order in (events[::-1], events * 2, rng.sample(events * 3, k=21)):
        for event in order:
            wired_service.index(event)
        assert wired_service.seen() == [(str(asset.id), 5, 5)]
        assert wired_service.seen(all_versions=True) == expected


def test_a_deleted_asset_does_not_come_back_by_a_late_event(wired_service: Wired) -> None:
    asset = wired_service.edit(wired_service.create(), "second")
    before = wired_service.documents(2)
    wired_service.delete(asset)
    wired_service.index(*wired_service.events(1))
    assert wired_service.seen(all_versions=True) == []
    # A worker that built its documents before the deletion, and slept.
    assert wired_service.amp.indexing.indexer.writer.write(before, threading.Event()) == {}
    wired_service.refresh()
    assert wired_service.seen(all_versions=True) == []


def test_a_restored_asset_shows_with_all_its_versions(wired_service: Wired) -> None:
    asset = wired_service.edit(wired_service.create(), "second")
    wired_service.delete(asset)
    wired_service.index(*wired_service.events(3))
    assert wired_service.seen(all_versions=True) == []
    restored = wired_service.restore(asset)
    wired_service.index(*wired_service.events(1))
    assert wired_service.seen() == [(str(asset.id), 2, restored.revision)]
    assert [(version, revision) for _, version, revision in wired_service.seen(all_versions=True)] == [(1, 1), (2, 4)]


def test_deleting_and_restoring_what_is_so_already_changes_nothing(wired_service: Wired) -> None:
    asset = wired_service.create()
    assert wired_service.restore(asset).revision == 1
    assert wired_service.delete(asset).revision == 2
    assert wired_service.delete(asset).revision == 2


def test_an_event_of_an_asset_that_is_not_there_is_left_alone(wired_service: Wired) -> None:
    asset = wired_service.create()
    (event,) = wired_service.events(1)
    ghost = AssetChanged(
        asset_id=type(asset.id)(int=asset.id.int + 1),
        version=1,
        revision=1,
        scope=Scope.HEAD,
        change_id=event.change_id,
    )
    wired_service.index(ghost, event)
    assert wired_service.seen() == [(str(asset.id), 1, 1)]


def test_the_relay_publishes_what_the_writer_could_not(wired_service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(wired_service.amp.adapters.queue, "publish", lambda *_: None)  # as if the process had died here
        asset = wired_service.create()
    patch_clock = wired_service.amp.adapters.clock
    later = patch_clock.now_ms() + 60_000
    monkeypatch.setattr(patch_clock, "now_ms", lambda: later)
    assert wired_service.amp.outbox.relay.relay_once() == 1
    (event,) = wired_service.events(1)
    assert (event.asset_id, event.revision) == (asset.id, 1)
    assert wired_service.amp.outbox.relay.relay_once() == 0, "the intent of a delivered event is cleared"


def test_the_relay_keeps_an_intent_while_the_queue_is_down(
    wired_service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, queue = wired_service.amp.adapters.clock, wired_service.amp.adapters.queue
    start = clock.now_ms()
    with monkeypatch.context() as patch:
        patch.setattr(queue, "publish", lambda *_: None)
        patch.setattr(queue, "flush", lambda _: False)
        asset = wired_service.create()
        patch.setattr(clock, "now_ms", lambda: start + 300_000)
        assert wired_service.amp.outbox.relay.relay_once() == 1
        assert wired_service.amp.outbox.relay.relay_once() == 0, "not asked for again at once"
    monkeypatch.setattr(clock, "now_ms", lambda: start + 400_000)
    assert wired_service.amp.outbox.relay.relay_once() == 1
    assert wired_service.events(1)[0].asset_id == asset.id


def test_an_intent_never_applied_is_read_ever_more_rarely_then_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wired(embedded(tmp_path)) as wired_service:
        clock, store, intents = (
            wired_service.amp.adapters.clock,
            wired_service.amp.adapters.store,
            wired_service.amp.adapters.intents,
        )

        def die(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(store, "apply", die)  # the writer dies between intent and condition
            with pytest.raises(KeyboardInterrupt):
                wired_service.create()
        start = clock.now_ms()
        looked_at = [start]
        while found := intents.due(start + 30 * 86_400_000, 10):
            looked_at.append(found[0].due_ms)
            monkeypatch.setattr(clock, "now_ms", lambda at=found[0].due_ms: at)
            monkeypatch.setattr(clock, "monotonic_s", lambda at=found[0].due_ms: at / 1000)
            assert wired_service.amp.outbox.relay.relay_once() == 1
        pauses = [later - earlier for earlier, later in pairwise(looked_at)]
        # Once it is old enough to be dropped, it is kept for another minute, as clocks may disagree.
        assert pauses[:-1] == sorted(pauses[:-1])
        assert pauses[-1] == 60_000
        assert 5 < len(looked_at) < 30
        assert 86_400_000 < looked_at[-1] - start < 3 * 86_400_000


def test_the_worker_puts_aside_what_the_index_rejects_and_goes_on(
    wired_service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, healthy = wired_service.create("poison"), wired_service.create("healthy")
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
    worker = threading.Thread(target=wired_service.amp.workers["index"], args=(stop,))
    worker.start()
    try:
        queue = wired_service.amp.adapters.queue
        deadline = wired_service.amp.adapters.clock.monotonic_s() + 30
        while wired_service.seen() == [] or queue.lag(Topic.REALTIME, "index") > 0:
            wired_service.refresh()
            assert wired_service.amp.adapters.clock.monotonic_s() < deadline, "the worker never came to the end"
            stop.wait(0.05)
    finally:
        stop.set()
        worker.join(30)
    wired_service.refresh()
    assert wired_service.seen() == [(str(healthy.id), 1, 1)]
    assert wired_service.amp.metrics.registry.get_sample_value("amp_dead_letters_total") == 1


def test_puts_that_meet_a_busy_index_are_repeated_until_it_takes_them(wired_service: Wired) -> None:
    asset = wired_service.edit(wired_service.create(), "second")
    documents = wired_service.documents(2)
    indices = wired_service.amp.adapters.indices
    (index,) = [info.index for info in indices.info()]
    stop = threading.Event()
    indices.block(index)
    try:
        with ThreadPoolExecutor(1) as pool:
            putting = pool.submit(wired_service.amp.indexing.indexer.writer.write, documents, stop)
            try:
                with pytest.raises(TimeoutError):
                    putting.result(timeout=0.5)
                indices.unblock(index)
                assert putting.result(timeout=30) == {}
            finally:
                stop.set()
    finally:
        indices.unblock(index)
    wired_service.refresh()
    assert wired_service.seen(all_versions=True) == [(str(asset.id), 1, 1), (str(asset.id), 2, 2)]
