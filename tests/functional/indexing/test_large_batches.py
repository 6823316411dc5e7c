"""Batches of workers are bounded in bytes: large assets are read, indexed and changed a few at a time."""

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from amp.domain.assets import Asset, Scope, content_bytes
from amp.ports.search_index import Put, PutResult, WriteStatus
from amp.services.runtime.step_size import StepSize
from tests.support.service.wired import Wired, embedded, wired

_COUNT, _TEXT = 24, "word " * 1_600
_STEP_BYTES = 50_000


class Sizes:
    """The bytes of the heads that were read at once, and of the documents that were put at once."""

    def __init__(self, service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[int] = []
        self.put: list[int] = []
        store, index = service.amp.adapters.store, service.amp.adapters.index
        heads, each_head, put = store.heads, store.each_head, index.put

        def read_heads(ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
            found = heads(ids, settle=settle)
            self.read.append(sum(map(content_bytes, found.values())))
            return found

        def read_each_head(ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
            self.read.append(0)
            for head, size in each_head(ids):
                self.read[-1] += size
                yield head, size

        def put_documents(puts: Sequence[Put]) -> list[PutResult]:
            self.put.append(sum(len(put.document.body.get("source", b"")) for put in puts))
            return put(puts)

        monkeypatch.setattr(store, "heads", read_heads)
        monkeypatch.setattr(store, "each_head", read_each_head)
        monkeypatch.setattr(index, "put", put_documents)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    with wired(embedded(tmp_path)) as made:
        monkeypatch.setitem(vars(made.amp.indexing.builder), "step_size", StepSize(_STEP_BYTES))
        monkeypatch.setattr("amp.services.indexing.write_documents._GROUP_BYTES", _STEP_BYTES)
        yield made


def test_a_batch_of_large_assets_is_indexed_some_at_a_time(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [service.create(notes=_TEXT) for _ in range(_COUNT)]
    events, sizes = service.events(_COUNT), Sizes(service, monkeypatch)
    assert service.amp.indexing.indexer.index(events, threading.Event()) == {}
    assert max(sizes.read) <= _STEP_BYTES
    assert max(sizes.put) <= 3 * _STEP_BYTES
    service.refresh()
    assert service.seen() == sorted((str(asset.id), 1, 1) for asset in made)


def test_a_batch_of_small_assets_is_indexed_at_once(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        service.create()
        service.amp.indexing.indexer.index(service.events(1), threading.Event())
    for _ in range(_COUNT):
        service.create()
    events, sizes = service.events(_COUNT), Sizes(service, monkeypatch)
    service.amp.indexing.indexer.index(events, threading.Event())
    assert (len(sizes.read), len(sizes.put)) == (1, 1)


@pytest.mark.parametrize("again", [False, True])
def test_large_assets_after_small_ones_are_indexed_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setitem(vars(service.amp.indexing.builder), "step_size", StepSize())
    monkeypatch.setattr("amp.services.indexing.build_documents.STEP_BYTES", _STEP_BYTES)
    small = [service.create() for _ in range(70)]
    made = [service.create(notes=_TEXT) for _ in range(_COUNT)]
    events, stop, sizes = service.events(70 + _COUNT), threading.Event(), Sizes(service, monkeypatch)
    if again:
        assert service.amp.indexing.indexer.index_all([event.asset_id for event in events], stop).known == {
            asset.id for asset in [*small, *made]
        }
    else:
        assert service.amp.indexing.indexer.index(events, stop) == {}
    assert len(sizes.read) > _COUNT * len(_TEXT) / _STEP_BYTES
    assert max(sizes.read) <= _STEP_BYTES + 9_000
    service.refresh()
    assert service.seen() == sorted((str(asset.id), 1, 1) for asset in [*small, *made])


def test_large_versions_of_small_assets_are_read_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.indexing.build_documents._VERSIONS_A_STEP", 5)
    made = [service.create() for _ in range(_COUNT)]
    for asset in made:
        service.edit(asset, "other")
    events, stop = service.events(2 * _COUNT), threading.Event()
    store, read = service.amp.adapters.store, []
    versions = store.versions
    monkeypatch.setattr(
        store, "versions", lambda wanted: [read.append(sum(map(len, wanted.values()))), versions(wanted)][1]
    )
    for _ in range(2):  # The second time steps are long.
        assert service.amp.indexing.indexer.index(events, stop) == {}
    assert sum(read) == 2 * _COUNT
    assert max(read) <= 5
    service.refresh()
    assert service.seen() == sorted((str(asset.id), 2, 2) for asset in made)


def test_large_assets_with_versions_are_reindexed_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [service.create(notes=_TEXT) for _ in range(3)]
    for number in range(25):
        service.edit(made[0], f"name {number}")
    service.edit(made[1], "other")
    sizes = Sizes(service, monkeypatch)
    missing = UUID("01900000-0000-7000-8000-000000000000")
    indexed = service.amp.indexing.indexer.index_all([*(asset.id for asset in made), missing], threading.Event())
    assert (indexed.known, indexed.rejected, indexed.refused) == ({asset.id for asset in made}, {}, set())
    assert max(sizes.put) <= 22 * 9_000  # twenty versions of one asset, and its head
    service.refresh()
    versions = {str(made[0].id): 26, str(made[1].id): 2, str(made[2].id): 1}
    assert len(service.seen(all_versions=True)) == sum(versions.values())


def _edited(service: Wired, count: int, times: int) -> list[Asset]:
    made = [service.create(notes=_TEXT) for _ in range(count)]
    for asset in made:
        for number in range(times):
            service.edit(asset, f"name {number}")
    return made


@pytest.mark.parametrize("handle", ["handle", "handle_retries", "index"])
def test_many_changes_of_one_large_asset_are_indexed_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch, handle: str
) -> None:
    _edited(service, 1, 60)
    events, sizes = service.events(61), Sizes(service, monkeypatch)
    assert getattr(service.amp.indexing.indexer, handle)(events[30:], threading.Event()) == {}
    assert max(sizes.put) <= 22 * 9_000, "twenty versions of it, and its head"
    service.refresh()
    named = [version for _, version, _ in service.seen(all_versions=True)]
    assert named == list(range(30, 62))


def test_a_late_event_of_all_versions_reads_some_at_a_time(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    _edited(service, 1, 60)
    sizes, early = Sizes(service, monkeypatch), replace(service.events(61)[2], scope=Scope.ALL)
    assert service.amp.indexing.indexer.index([early], threading.Event()) == {}
    assert max(sizes.put) <= 22 * 9_000, "twenty versions of it, and its head"
    service.refresh()
    assert [version for _, version, _ in service.seen(all_versions=True)] == list(range(1, 62))


def test_many_changes_of_some_large_assets_are_indexed_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = service.create()
    made = _edited(service, 10, 15)
    monkeypatch.setattr("amp.services.indexing.build_documents.STEP_BYTES", _STEP_BYTES)
    # As after a restart in front of one small asset: nothing tells how large the next are.
    events, sizes = service.events(1 + 10 * 16), Sizes(service, monkeypatch)
    assert service.amp.indexing.indexer.index(events, threading.Event()) == {}
    assert max(sizes.put) <= _STEP_BYTES + 17 * 9_000
    service.refresh()
    assert service.seen() == sorted([(str(small.id), 1, 1), *((str(asset.id), 16, 16) for asset in made)])


class _Pauses(threading.Event):
    """Never set; sums up the pauses, which take no time."""

    slept_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.slept_s += timeout or 0
        return False


def test_all_that_a_reindex_cannot_put_shares_one_patience(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [*_edited(service, 4, 22), *(service.create(notes=_TEXT) for _ in range(_COUNT))]
    sizes, stop = Sizes(service, monkeypatch), _Pauses()

    def unanswered(puts: Sequence[Put]) -> list[PutResult]:
        return [PutResult(WriteStatus.BUSY, "connection refused", answered=False) for _ in puts]

    monkeypatch.setattr(service.amp.adapters.index, "put", unanswered)
    indexed = service.amp.indexing.indexer.index_all([asset.id for asset in made], stop)
    assert indexed.refused == {asset.id for asset in made}
    assert 30 <= stop.slept_s < 36
    assert len(list(filter(None, sizes.read))) < 10, "what is given up is not read"
