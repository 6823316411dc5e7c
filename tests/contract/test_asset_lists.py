"""What checks and fixes do to the lists of assets, over every adapter.

Cassandra's lists are rows of their own, which can be missing or be left over. SQLite's are indexes over the heads,
which cannot: there nothing is ever unlisted or stray, and there is nothing to do.
"""

import dataclasses

import pytest

from amp.domain.assets import Asset
from amp.domain.ids import mint_at
from amp.ports.asset_listing import AssetListing, OrphanedListing
from amp.profiles import Adapters
from tests.contract.test_asset_listing import mixed_ids, walk
from tests.support.asset_samples import creation, intent_for, new_asset, now_ms, purge, recreation, unique, write
from tests.support.stack.waiting import wait_until

DAY_MS = 86_400_000


@pytest.fixture
def has_rows(request: pytest.FixtureRequest) -> bool:
    """Whether lists are rows of their own."""
    return request.node.callspec.params["store_profile"] == "cassandra"  # type: ignore[no-any-return]


def an_asset(asset_id: object = None) -> Asset:
    """Of a type and a project of its own."""
    values = {"id": asset_id} if asset_id else {}
    return new_asset(type=unique("type"), project=unique("project"), **values)


def lists_of(asset: Asset) -> tuple[str, ...]:
    return "all", f"type:{asset.type}", f"project:{asset.project}"


def is_listed(listing: AssetListing, asset: Asset) -> list[bool]:
    """In the order of `lists_of`."""
    bounds = {"from_ms": asset.created_ms, "to_ms": asset.created_ms + 1}
    names = ({}, {"type_name": asset.type}, {"project": asset.project})
    return [asset.id in walk(listing, **name, **bounds) for name in names]


def strays_of(listing: AssetListing, *assets: Asset) -> list[OrphanedListing]:
    ids, types, projects = zip(*((asset.id, asset.type, asset.project) for asset in assets), strict=True)
    return listing.orphans(ids, types, projects)


def test_an_asset_that_was_created_is_unlisted_nowhere(store_profile: Adapters) -> None:
    made = write(store_profile.store, *[creation(id=asset_id, type=unique("type")) for asset_id in mixed_ids(30)])
    assert store_profile.listing.unlisted(made) == {}
    assert store_profile.listing.unlisted([]) == {}


def test_lists_that_lack_an_asset_are_reported_until_it_is_added(store_profile: Adapters, has_rows: bool) -> None:
    listing, missing = store_profile.listing, [an_asset(asset_id) for asset_id in mixed_ids(12)]
    [listed] = write(store_profile.store, creation())
    reported = listing.unlisted([*missing, listed])
    assert reported == ({asset.id: lists_of(asset) for asset in missing} if has_rows else {})
    for _ in range(2):
        listing.add(missing)
        assert listing.unlisted([*missing, listed]) == {}
    assert all(is_listed(listing, asset) == [has_rows] * 3 for asset in missing)
    listing.add([])


def test_an_asset_listed_under_a_wrong_type_is_missing_from_its_own_lists(
    store_profile: Adapters, has_rows: bool
) -> None:
    [made] = write(store_profile.store, creation())
    moved = dataclasses.replace(made, type=unique("type"), project=unique("project"))
    assert store_profile.listing.unlisted([moved]) == ({moved.id: lists_of(moved)[1:]} if has_rows else {})


def test_adding_an_asset_that_is_listed_leaves_it_listed_once(store_profile: Adapters) -> None:
    [made] = write(store_profile.store, creation(type=unique("type")))
    store_profile.listing.add([made, made])
    assert walk(store_profile.listing, type_name=made.type) == [made.id]


def test_an_id_prepared_and_never_made_is_a_stray_in_each_list(store_profile: Adapters, has_rows: bool) -> None:
    earliest = now_ms() - 1000
    change = dataclasses.replace(creation(), after=an_asset())
    store_profile.store.prepare([(change, intent_for(change))])
    found = strays_of(store_profile.listing, change.after)
    assert {(stray.list, stray.id) for stray in found} == (
        {(name, change.after.id) for name in lists_of(change.after)} if has_rows else set()
    )
    assert len(found) == (3 if has_rows else 0)
    assert all(earliest <= stray.written_ms <= now_ms() + 1000 for stray in found)


def test_strays_are_looked_for_where_they_were_asked_for_alone(store_profile: Adapters, has_rows: bool) -> None:
    listing, one, two = store_profile.listing, an_asset(), an_asset()
    listing.add([one, two])
    assert listing.orphans([], [one.type], [one.project]) == []
    assert listing.orphans([mint_at(now_ms())], [one.type], [one.project]) == []
    assert [stray.list for stray in listing.orphans([one.id], [], [])] == ["all"] * has_rows
    found = {(stray.list, stray.id) for stray in strays_of(listing, one, two)}
    expected = {(name, asset.id) for asset in (one, two) for name in lists_of(asset)}
    assert found == (expected if has_rows else set())


def test_a_dropped_stray_is_listed_no_more_and_nothing_else_is_touched(store_profile: Adapters) -> None:
    listing, gone = store_profile.listing, an_asset()
    [left] = write(store_profile.store, creation(type=gone.type, project=gone.project, id=mint_at(gone.created_ms)))
    listing.add([gone])
    found = strays_of(listing, gone)
    for _ in range(2):
        listing.drop(found)
        assert strays_of(listing, gone) == []
        assert is_listed(listing, gone) == [False] * 3
        assert is_listed(listing, left) == [True] * 3
    listing.drop([])


def test_some_strays_of_an_id_may_be_dropped_and_others_not(store_profile: Adapters, has_rows: bool) -> None:
    listing, asset = store_profile.listing, an_asset()
    listing.add([asset])
    listing.drop([stray for stray in strays_of(listing, asset) if stray.list == "all"])
    assert is_listed(listing, asset) == [False, has_rows, has_rows]
    assert store_profile.listing.unlisted([asset]) == ({asset.id: ("all",)} if has_rows else {})


def test_a_stray_that_was_written_anew_since_it_was_found_stays(store_profile: Adapters) -> None:
    listing, asset = store_profile.listing, an_asset()
    listing.add([asset])
    found = strays_of(listing, asset)
    found_ms = now_ms()
    wait_until(lambda: now_ms() > found_ms, 10, "the next millisecond", every_s=0)
    write(store_profile.store, dataclasses.replace(creation(), after=asset))
    listing.drop(found)
    assert is_listed(listing, asset) == [True] * 3
    assert listing.unlisted([asset]) == {}


def test_a_dropped_stray_can_be_added_again(store_profile: Adapters, has_rows: bool) -> None:
    listing, asset = store_profile.listing, an_asset()
    listing.add([asset])
    listing.drop(strays_of(listing, asset))
    listing.add([asset])
    assert is_listed(listing, asset) == [has_rows] * 3


def test_a_removed_asset_is_on_none_of_its_lists_and_no_stray(store_profile: Adapters, has_rows: bool) -> None:
    listing = store_profile.listing
    [made] = write(store_profile.store, creation(type=unique("type"), project=unique("project")))
    [purged] = write(store_profile.store, purge(made, updated_ms=now_ms() + 1))
    assert len(strays_of(listing, made)) == (3 if has_rows else 0)
    listing.remove([purged])
    assert strays_of(listing, made) == []
    assert listing.unlisted([made]) == ({made.id: lists_of(made)} if has_rows else {})


def test_the_rest_of_a_day_stays_listed_when_much_of_it_is_removed(store_profile: Adapters) -> None:
    type_name, day_ms = unique("type"), now_ms() // DAY_MS * DAY_MS
    made = write(store_profile.store, *[creation(id=mint_at(day_ms + n), type=type_name) for n in range(60)])
    purged = write(store_profile.store, *[purge(asset, updated_ms=now_ms() + 1) for asset in made[::2]])
    store_profile.listing.remove(purged)
    assert sorted(walk(store_profile.listing, type_name=type_name, limit=7)) == sorted(asset.id for asset in made[1::2])


def test_an_asset_recreated_under_another_type_leaves_a_stray(store_profile: Adapters, has_rows: bool) -> None:
    listing = store_profile.listing
    [made] = write(store_profile.store, creation(type=unique("type"), project=unique("project")))
    [purged] = write(store_profile.store, purge(made, updated_ms=now_ms() - 1))
    [again] = write(store_profile.store, recreation(purged, type=unique("type")))
    assert listing.unlisted([again]) == {}
    assert [stray.list for stray in listing.orphans([made.id], [made.type], [])] == [
        "all",
        f"type:{made.type}",
    ] * has_rows
