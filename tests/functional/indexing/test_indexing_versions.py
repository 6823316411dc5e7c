"""Assets with many versions in the index: all that are kept, none that were dropped, each written once."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest

from amp.domain.assets import Scope, Version
from amp.domain.criteria import IndexQuery, OneOf, RootField, RootMatches, SortBy
from amp.domain.messages import AssetChanged
from amp.domain.principals import Principal
from amp.ports.search_index import Put, PutResult
from tests.support.service.wired import Wired, embedded, wired


def test_versions_past_the_number_kept_leave_index_and_store(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"versions_kept": 3}) as wired_service:
        asset = wired_service.create()
        for n in range(2, 7):
            wired_service.edit(asset, f"name {n}")
            wired_service.index(*wired_service.events(2 if n == 2 else 1))
        assert [version for _, version, _ in wired_service.seen(all_versions=True)] == [4, 5, 6]
        _, kept, more = wired_service.amp.assets.reader.versions(asset.id, None, 10, Principal())
        assert ([version.version for version in kept], more) == ([6, 5, 4], False)


def test_an_event_from_before_a_purge_drops_no_version_of_a_recreation(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"versions_kept": 3}) as wired_service:
        asset = wired_service.create()
        wired_service.edit(asset, "second")
        wired_service.index(*wired_service.events(2))
        wired_service.index(AssetChanged(asset_id=asset.id, version=4, revision=1, scope=Scope.HEAD, change_id=uuid4()))
        assert [version for _, version, _ in wired_service.seen(all_versions=True)] == [1, 2]


def test_the_head_of_an_asset_with_many_versions_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.indexing.build_documents._VERSIONS_AT_ONCE", 2)
    with wired(embedded(tmp_path) | {"versions_kept": 6}) as wired_service:
        asset = wired_service.create()
        for n in range(2, 9):
            asset = wired_service.edit(asset, f"name {n}")
        wired_service.delete(asset)
        events, put, real = wired_service.events(9), [], wired_service.amp.adapters.index.put

        def noting(puts: Sequence[Put]) -> list[PutResult]:
            put.append([each.document.doc_id.removeprefix(str(asset.id)) for each in puts])
            return real(puts)

        monkeypatch.setattr(wired_service.amp.adapters.index, "put", noting)
        wired_service.index(*events[-2:])
        # The head is the last to be there: whoever sees it sees all of them.
        assert put == [[":3", ":4"], [":5", ":6"], [":7", ":2", ""]]
        wired_service.refresh()
        found = wired_service.amp.adapters.documents.of_assets([asset.id])
        assert {document.revision for _, document in found} == {9}
        assert wired_service.amp.indexing.indexer.index_all([asset.id], threading.Event()).rejected == {}
        assert put[3:] == [[":3", ":4"], [":5", ":6"], [":7", ""]]


def test_what_was_indexed_and_what_was_dropped_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amp.services.indexing.build_documents._VERSIONS_AT_ONCE", 2)
    monkeypatch.setattr("amp.services.indexing.handle.PROBE_S", 0.01)
    monkeypatch.setattr("amp.services.buckets.refusals.REFUSES_AFTER_S", 0.0)
    with wired(embedded(tmp_path) | {"versions_kept": 6}) as wired_service:
        asset, metrics = wired_service.create(), wired_service.amp.metrics
        for n in range(2, 9):
            asset = wired_service.edit(asset, f"name {n}")
        wired_service.delete(asset)
        events, indices = wired_service.events(9), wired_service.amp.adapters.indices
        (index,) = [info.index for info in indices.info()]

        def counted() -> tuple[float | None, float | None]:
            read = metrics.registry.get_sample_value
            return read("amp_events_indexed_total"), read("amp_versions_dropped_total")

        assert counted() == (0, 2)
        indices.block(index)
        for handle in (wired_service.amp.indexing.indexer.handle, wired_service.amp.indexing.indexer.handle_retries):
            assert handle(events, threading.Event()) == {}
            assert counted() == (0, 2), "they are set aside"
        indices.unblock(index)
        monkeypatch.setattr("amp.services.buckets.refusals.PROBE_S", 0.0)
        assert wired_service.amp.indexing.indexer.handle_retries(events, threading.Event()) == {}
        assert counted() == (9, 2)


def test_an_asset_edited_between_two_pages_comes_once(wired_service: Wired) -> None:
    edited, other = wired_service.create(), wired_service.create()
    wired_service.index(*wired_service.events(2))
    mine = RootMatches(RootField.ID, (OneOf(tuple(map(str, wired_service.mine))),))
    oldest_first = IndexQuery(criteria=mine, size=1, sort=(SortBy(root=RootField.CREATED, key=None, descending=False),))
    index = wired_service.amp.adapters.index
    (first,) = index.search(oldest_first).hits
    assert orjson.loads(first.source)["id"] == str(edited.id)
    wired_service.edit(edited, "second")
    wired_service.index(*wired_service.events(1))
    (second,) = index.search(replace(oldest_first, after=first.sort)).hits
    assert orjson.loads(second.source)["id"] == str(other.id)


def test_all_documents_of_an_asset_with_many_versions_are_put_in_parts(
    wired_service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = wired_service.create()
    for number in range(2, 51):
        wired_service.edit(asset, f"name {number}")
    wired_service.delete(asset)
    wired_service.restore(asset)
    store, put = wired_service.amp.adapters.store, wired_service.amp.adapters.index.put
    read, put_at_once = store.versions, []
    asked: list[int] = []

    def count_versions(wanted: Mapping[UUID, Collection[int]]) -> Mapping[tuple[UUID, int], Version]:
        asked.append(sum(map(len, wanted.values())))
        return read(wanted)

    def count_puts(puts: Sequence[Put]) -> Sequence[PutResult]:
        put_at_once.append(len(puts))
        return put(puts)

    monkeypatch.setattr(store, "versions", count_versions)
    monkeypatch.setattr(wired_service.amp.adapters.index, "put", count_puts)
    wired_service.amp.indexing.indexer.index(wired_service.events(52)[-1:], threading.Event())
    wired_service.refresh()
    assert max(asked) <= 20
    assert max(put_at_once) <= 21
    expected = [(str(asset.id), version, version) for version in range(1, 50)] + [(str(asset.id), 50, 52)]
    assert wired_service.seen(all_versions=True) == expected
