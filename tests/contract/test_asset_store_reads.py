"""The contract of reads from the asset store, over every adapter."""

import uuid

import pytest

from amp.domain.assets import version_of
from amp.ports.asset_store import AssetStore, CommitStatus
from amp.profiles import Adapters
from tests.support.asset_samples import attempt, creation, new_asset, purge, shown, step, write


@pytest.fixture
def store(store_profile: Adapters) -> AssetStore:
    return store_profile.store


def test_many_heads_are_read_at_once_and_absent_ones_left_out(store: AssetStore) -> None:
    there = write(store, *[creation(name=f"number {i}") for i in range(130)])
    (gone,) = write(store, purge(there[0]))
    absent = [new_asset().id for _ in range(60)]

    found = store.heads([*absent, *(asset.id for asset in there)])

    assert found.keys() == {asset.id for asset in there}
    assert shown(found.pop(gone.id)) == shown(gone)
    assert found == {asset.id: asset for asset in there[1:]}


def test_heads_are_read_one_by_one_as_they_are_when_they_are_asked_for(store: AssetStore) -> None:
    there = write(store, *[creation(name=f"number {i}") for i in range(400)])
    (gone,) = write(store, purge(there[0]))
    wanted = [*(asset.id for asset in there), new_asset().id, there[1].id]
    sizes = {head.id: size for head, size in store.each_head(wanted)}
    assert sizes.keys() == {asset.id for asset in there}
    assert min(size for asset_id, size in sizes.items() if asset_id != gone.id) >= 10
    found = {head.id: head for head, _ in store.each_head(wanted)}
    assert shown(found.pop(gone.id)) == shown(gone)
    assert found == {asset.id: asset for asset in there[1:]}

    heads = store.each_head(wanted)
    next(heads)
    write(store, *[step(asset, name="later") for asset in there[1:]])
    names = [head.name for head, _ in heads]
    assert len(names) == 399
    assert names.count("later") > 200, "most were read ahead"
    assert list(store.each_head([])) == []


def test_settled_heads_are_the_heads(store: AssetStore) -> None:
    there = write(store, *[creation() for _ in range(5)])
    absent = new_asset().id
    wanted = [*(asset.id for asset in there), absent]
    assert store.heads(wanted, settle=True) == {asset.id: asset for asset in there}


def test_versions_are_read_of_many_assets_at_once(store: AssetStore) -> None:
    firsts = write(store, *[creation() for _ in range(60)])
    seconds = write(store, *[step(asset, name="second") for asset in firsts])
    wanted = {asset.id: [1, 2, 7] for asset in firsts} | {uuid.uuid4(): [1]}

    found = store.versions(wanted)

    assert found == {(v.id, v.version): version_of(v) for v in [*firsts, *seconds]}


def test_versions_are_paged_newest_first(store: AssetStore) -> None:
    (asset,) = write(store, creation())
    history = [version_of(asset)]
    for _ in range(6):
        (asset,) = write(store, step(asset, metadata={"n": asset.version}))
        history.insert(0, version_of(asset))

    assert store.version_page(asset.id, None, 3) == history[:3]
    assert store.version_page(asset.id, 5, 3) == history[3:6]
    assert store.version_page(asset.id, 2, 3) == history[6:]
    assert store.version_page(asset.id, 1, 3) == []
    assert store.version_page(asset.id, 100, 100) == history
    assert store.version_page(new_asset().id, None, 3) == []


def test_a_change_was_made_to_the_asset_it_was_made_to_and_to_no_other(store: AssetStore) -> None:
    first, second, other = creation(), creation(), creation()
    write(store, first, second)
    [updated] = write(store, step(first.after))
    refused = step(second.after, name="late")
    write(store, step(second.after))
    assert attempt(store, refused).status is CommitStatus.REFUSED
    changes = {
        first.after.id: first.after.change_id,
        second.after.id: refused.after.change_id,
        other.after.id: other.after.change_id,
    }
    assert store.applied(changes) == {first.after.id}
    assert store.applied({updated.id: updated.change_id, second.after.id: first.after.change_id}) == {updated.id}
    assert store.applied({}) == set()


def test_many_changes_are_looked_up_at_once(store: AssetStore) -> None:
    changes = [creation() for _ in range(250)]
    write(store, *changes[:200])
    wanted = {change.after.id: change.after.change_id for change in changes}
    assert store.applied(wanted) == {change.after.id for change in changes[:200]}
