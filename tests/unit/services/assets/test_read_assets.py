"""What is read of an asset belongs together, whatever others do to it meanwhile."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from amp.domain.assets import Asset, version_of
from amp.domain.principals import Principal
from amp.errors import StoreUnavailable
from amp.profiles import Adapters, embedded
from amp.services.assets.read import AssetReader
from amp.settings import load_settings
from tests.support.asset_samples import creation, purge, recreation, step, write


@pytest.fixture
def adapters(tmp_path: Path) -> Iterator[Adapters]:
    with closing(embedded(load_settings({"data_dir": str(tmp_path)}))) as made:
        made.components[0].migrate()
        yield made


class Interrupted:
    """A store to which something happens after its next read of heads."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.between: Callable[[], Any] | None = None

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        found: dict[UUID, Asset] = self._store.heads(ids, settle=settle)
        between, self.between = self.between, None
        if between is not None:
            between()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_the_version_of_an_asset_s_next_life_comes_with_its_own_head(adapters: Adapters) -> None:
    store = Interrupted(adapters.store)
    reader = AssetReader(store=store, listing=adapters.listing, claims=adapters.claims)
    (first,) = write(adapters.store, creation())
    gone = purge(first)
    again = recreation(gone.after, version=1)
    store.between = lambda: write(adapters.store, gone) and write(adapters.store, again)
    assert reader.version(first.id, 1, Principal()) == (again.after, version_of(again.after))


def test_a_page_of_versions_comes_with_a_head_that_knows_them(adapters: Adapters) -> None:
    store = Interrupted(adapters.store)
    reader = AssetReader(store=store, listing=adapters.listing, claims=adapters.claims)
    (first,) = write(adapters.store, creation())
    second = step(first)
    store.between = lambda: write(adapters.store, second)
    head, versions, more = reader.versions(first.id, None, 10, Principal())
    assert (head, list(versions), more) == (second.after, [version_of(second.after), version_of(first)], False)


def test_assets_read_before_the_store_stopped_answering_are_returned(adapters: Adapters) -> None:
    store = Interrupted(adapters.store)
    reader = AssetReader(store=store, listing=adapters.listing, claims=adapters.claims)
    assets = write(adapters.store, *[creation() for _ in range(25)])
    ids = [asset.id for asset in assets]

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    store.between = lambda: setattr(store, "heads", fail)
    found, rest = reader.get_some(ids, Principal())
    assert found
    assert [asset.id for asset in found] + rest == ids
    with pytest.raises(StoreUnavailable):
        reader.get_some(ids, Principal())
