"""Batches of workers are bounded in bytes: large assets are read, indexed and changed a few at a time."""

import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from amp.domain.assets import Asset, content_bytes
from amp.ports.search_index import Put, PutResult
from amp.services.runtime.step_size import StepSize
from tests.functional.wired import Wired, embedded, wired

_COUNT, _TEXT = 24, "word " * 1_600
_STEP_BYTES = 50_000


class Sizes:
    """The bytes of the heads that were read at once, and of the documents that were put at once."""

    def __init__(self, service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[int] = []
        self.put: list[int] = []
        store, index = service.amp.adapters.store, service.amp.adapters.index
        heads, put = store.heads, index.put

        def read_heads(ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
            found = heads(ids, settle=settle)
            self.read.append(sum(map(content_bytes, found.values())))
            return found

        def put_documents(puts: Sequence[Put]) -> list[PutResult]:
            self.put.append(sum(len(put.document.body.get("source", b"")) for put in puts))
            return put(puts)

        monkeypatch.setattr(store, "heads", read_heads)
        monkeypatch.setattr(index, "put", put_documents)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    with wired(embedded(tmp_path)) as made:
        monkeypatch.setattr(made.amp.indexer, "_step_size", StepSize(_STEP_BYTES))
        monkeypatch.setattr("amp.services.index_assets._GROUP_BYTES", _STEP_BYTES)
        yield made


def test_a_batch_of_large_assets_is_indexed_some_at_a_time(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [service.create(notes=_TEXT) for _ in range(_COUNT)]
    events, sizes = service.events(_COUNT), Sizes(service, monkeypatch)
    assert service.amp.indexer.index(events, threading.Event()) == {}
    assert max(sizes.read) <= _STEP_BYTES
    assert max(sizes.put) <= 3 * _STEP_BYTES
    service.refresh()
    assert service.seen() == sorted((str(asset.id), 1, 1) for asset in made)


def test_a_batch_of_small_assets_is_indexed_at_once(service: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        service.create()
        service.amp.indexer.index(service.events(1), threading.Event())
    for _ in range(_COUNT):
        service.create()
    events, sizes = service.events(_COUNT), Sizes(service, monkeypatch)
    service.amp.indexer.index(events, threading.Event())
    assert (len(sizes.read), len(sizes.put)) == (1, 1)


def test_large_assets_with_versions_are_reindexed_some_at_a_time(
    service: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [service.create(notes=_TEXT) for _ in range(3)]
    for number in range(25):
        service.edit(made[0], f"name {number}")
    service.edit(made[1], "other")
    sizes = Sizes(service, monkeypatch)
    missing = UUID("01900000-0000-7000-8000-000000000000")
    indexed = service.amp.indexer.index_all([*(asset.id for asset in made), missing], threading.Event())
    assert (indexed.known, indexed.rejected, indexed.refused) == ({asset.id for asset in made}, {}, set())
    assert max(sizes.put) <= 22 * 9_000  # twenty versions of one asset, and its head
    service.refresh()
    versions = {str(made[0].id): 26, str(made[1].id): 2, str(made[2].id): 1}
    assert len(service.seen(all_versions=True)) == sum(versions.values())
