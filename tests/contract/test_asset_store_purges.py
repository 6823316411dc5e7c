"""The contract of the asset store about assets that are purged, created again and stripped, over every adapter."""

import pytest

from amp.domain.assets import version_of
from amp.domain.changes import stripped
from amp.ports.asset_store import AssetStore, CommitResult, CommitStatus
from amp.profiles import Adapters
from tests.support.asset_samples import attempt, creation, head, purge, recreation, shown, step, unique, write


@pytest.fixture
def store(store_profile: Adapters) -> AssetStore:
    return store_profile.store


def test_a_purged_asset_keeps_its_revision_and_nothing_of_its_content(store: AssetStore) -> None:
    (first,) = write(store, creation(metadata={"secret": "s"}, labels=("l",)))
    (second,) = write(store, step(first))
    (purged,) = write(store, purge(second))

    found = head(store, first.id)
    assert found is not None
    assert shown(found) == shown(purged)
    assert found.metadata == {}
    assert found.name == ""
    assert store.heads([first.id], settle=True).keys() == {first.id}
    assert store.versions({first.id: [1, 2]}) == {}
    assert store.version_page(first.id, None, 10) == []


def test_a_purged_asset_created_again_continues_from_its_revision(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (purged,) = write(store, purge(first))

    refused = attempt(store, creation(id=first.id))
    assert refused.status is CommitStatus.REFUSED
    assert shown(refused.head) == shown(purged)
    assert attempt(store, step(first, name="stale")).status is CommitStatus.REFUSED

    (again,) = write(store, recreation(purged))
    assert again.revision == purged.revision + 1
    assert head(store, first.id) == again
    assert store.versions({first.id: range(1, 5)}) == {(first.id, again.version): version_of(again)}


def test_a_purged_asset_created_again_may_reuse_a_version_number(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (purged,) = write(store, purge(first))
    (again,) = write(store, recreation(purged, version=1))
    assert head(store, first.id) == again
    assert store.version_page(first.id, None, 10) == [version_of(again)]


def test_a_recreation_computed_before_another_one_is_refused(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (purged,) = write(store, purge(first))
    (again,) = write(store, recreation(purged))
    assert attempt(store, recreation(purged)) == CommitResult(CommitStatus.REFUSED, again)


def test_purging_again_and_again_keeps_the_revision_growing(store: AssetStore) -> None:
    (asset,) = write(store, creation())
    for _ in range(3):
        (purged,) = write(store, purge(asset))
        (asset,) = write(store, recreation(purged))
    assert asset.revision == 7
    assert head(store, asset.id) == asset


def test_the_change_that_purged_an_asset_was_made(store: AssetStore) -> None:
    (asset,) = write(store, creation())
    (purged,) = write(store, purge(asset))
    assert store.applied({asset.id: purged.change_id}) == {asset.id}


def test_a_stripped_asset_keeps_only_its_revision_and_its_changes(store: AssetStore) -> None:
    made = creation(external_id=unique("e"))
    first = made.after
    [edited] = write(store, made) and write(store, step(first, name="again"))
    [purged] = write(store, purge(edited))
    store.strip([purged])
    left = head(store, first.id)
    assert left is not None
    assert left.is_stripped
    assert left == stripped(purged, left.change_id)
    assert left.change_id != purged.change_id
    assert (left.revision, left.all_revision, left.external_id, left.updated_by) == (3, 3, None, "")
    assert store.version_page(first.id, None, 10) == []
    for change in (first, edited, purged):
        assert store.applied({first.id: change.change_id}) == {first.id}, "it still settles"
    assert attempt(store, made).status is CommitStatus.APPLIED, "a copy that comes late"
    [again] = write(store, recreation(left, project="p", type="t", created_by="eve", external_id="new"))
    assert shown(head(store, first.id)) == again
    assert again.revision == 4


def test_a_late_write_over_a_purged_and_stripped_asset_is_refused(store: AssetStore) -> None:
    [first] = write(store, creation())
    [purged] = write(store, purge(first))
    store.strip([purged])
    late = attempt(store, recreation(purged))
    assert late.status is CommitStatus.REFUSED
    assert late.head is not None
    assert late.head.is_stripped
    store.strip([purged])
    assert head(store, first.id) == late.head, "it is not as given any more"
    [again] = write(store, recreation(late.head, type="t"))
    store.strip([late.head])
    assert shown(head(store, first.id)) == again
