"""The contract of the reverse index, over every adapter."""

import time
from typing import Any
from uuid import UUID

import pytest

from amp.domain.assets import Change
from amp.domain.ids import created_ms, mint_at
from amp.errors import BadCursor
from amp.ports.asset_listing import AssetListing
from amp.profiles import Adapters
from tests.support.asset_samples import (
    creation,
    id_version_1,
    id_version_6,
    intent_for,
    now_ms,
    purge,
    recreation,
    unique,
    write,
)

DAY_MS = 86_400_000


def walk(listing: AssetListing, *, limit: int = 100, **selection: Any) -> list[UUID]:
    found: list[UUID] = []
    position = None
    while True:
        page = listing.page(**selection, position=position, limit=limit)
        assert len(page.ids) <= limit
        found += page.ids
        position = page.position
        if position is None:
            return found


def create(store_profile: Adapters, ids: list[UUID], **values: str) -> None:
    write(store_profile.store, *[creation(id=asset_id, **values) for asset_id in ids])


def mixed_ids(count: int, days: int = 5) -> list[UUID]:
    """Time-UUIDs of all kinds, over some days, several in one millisecond."""
    makers = [mint_at, id_version_1, id_version_6]
    newest = now_ms()
    return [makers[i % 3](newest - (i // 6 * DAY_MS // 7) % (days * DAY_MS)) for i in range(count)]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_every_asset_of_a_type_comes_exactly_once_whatever_the_page(store_profile: Adapters, limit: int) -> None:
    type_name = unique("type")
    ids = mixed_ids(60)
    create(store_profile, ids, type=type_name)
    create(store_profile, mixed_ids(5), type=unique("other"))

    found = walk(store_profile.listing, type_name=type_name, limit=limit)

    assert sorted(found) == sorted(ids)


def test_every_asset_of_a_project_comes_exactly_once(store_profile: Adapters) -> None:
    project = unique("project")
    ids = mixed_ids(40)
    create(store_profile, ids, project=project, type=unique("type"))
    create(store_profile, mixed_ids(5), project=unique("other"))
    assert sorted(walk(store_profile.listing, project=project, limit=9)) == sorted(ids)


def test_a_type_and_a_project_of_the_same_name_are_two_lists(store_profile: Adapters) -> None:
    name = unique("both")
    of_type, of_project = mint_at(now_ms()), mint_at(now_ms())
    create(store_profile, [of_type], type=name)
    create(store_profile, [of_project], project=name)
    assert walk(store_profile.listing, type_name=name) == [of_type]
    assert walk(store_profile.listing, project=name) == [of_project]


def test_without_type_and_project_all_assets_come_exactly_once(store_profile: Adapters) -> None:
    ids = mixed_ids(30)
    for asset_id in ids:
        create(store_profile, [asset_id], type=unique("type"), project=unique("project"))
    found = walk(store_profile.listing, limit=50)
    assert set(ids) <= set(found)
    assert len(found) == len(set(found))


def test_assets_come_in_the_order_of_their_creation(store_profile: Adapters) -> None:
    type_name = unique("type")
    newest = now_ms()
    makers = [id_version_6, mint_at, id_version_1]
    ids = [makers[i % 3](newest - i * DAY_MS) for i in range(12)]
    create(store_profile, ids, type=type_name)

    found = walk(store_profile.listing, type_name=type_name, limit=5)

    times = [created_ms(asset_id) for asset_id in found]
    assert times in (sorted(times), sorted(times, reverse=True))


def test_the_order_is_the_same_every_time(store_profile: Adapters) -> None:
    type_name = unique("type")
    create(store_profile, mixed_ids(50), type=type_name)
    once = walk(store_profile.listing, type_name=type_name, limit=3)
    assert walk(store_profile.listing, type_name=type_name, limit=11) == once


def test_historic_assets_are_listed(store_profile: Adapters) -> None:
    type_name = unique("type")
    ids = [mint_at(0), id_version_1(1), id_version_6(981_173_106_000)]
    create(store_profile, ids, type=type_name)
    assert sorted(walk(store_profile.listing, type_name=type_name)) == sorted(ids)


def test_an_id_present_all_along_comes_once_while_others_are_added(store_profile: Adapters) -> None:
    type_name = unique("type")
    ids = mixed_ids(30)
    create(store_profile, ids, type=type_name)
    found: list[UUID] = []
    position = None
    while True:
        page = store_profile.listing.page(type_name=type_name, project=None, position=position, limit=4)
        found += page.ids
        position = page.position
        if position is None:
            break
        if len(found) < 30:
            create(store_profile, mixed_ids(3), type=type_name)
    assert len(found) == len(set(found))
    assert set(ids) <= set(found)


def test_a_prepared_asset_may_be_listed_before_it_exists_and_once_after(store_profile: Adapters) -> None:
    type_name = unique("type")
    change: Change = creation(type=type_name)
    store_profile.store.prepare([(change, intent_for(change))])
    assert walk(store_profile.listing, type_name=type_name) in ([], [change.after.id])
    write(store_profile.store, change)
    assert walk(store_profile.listing, type_name=type_name) == [change.after.id]


def test_a_purged_asset_created_again_is_listed_under_its_new_type(store_profile: Adapters) -> None:
    before, after = unique("type"), unique("type")
    (asset,) = write(store_profile.store, creation(type=before))
    (purged,) = write(store_profile.store, purge(asset))
    write(store_profile.store, recreation(purged, type=after))
    assert walk(store_profile.listing, type_name=after) == [asset.id]


def test_a_list_of_nothing_ends_at_once(store_profile: Adapters) -> None:
    page = store_profile.listing.page(type_name=unique("type"), project=None, position=None, limit=10)
    assert page.ids == ()
    assert page.position is None


@pytest.mark.parametrize("position", ["", "x", "not a position", "e30", "W10", "AAAA", "ü", "WyIiLDEsMl0", "0" * 5000])
def test_a_made_up_position_is_refused(store_profile: Adapters, position: str) -> None:
    with pytest.raises(BadCursor):
        store_profile.listing.page(type_name="movie", project=None, position=position, limit=10)


@pytest.mark.parametrize(
    ("from_ms", "to_ms"),
    [
        (2 * DAY_MS, 4 * DAY_MS),
        (2 * DAY_MS + 1, 4 * DAY_MS - 1),
        (2 * DAY_MS - 1, 4 * DAY_MS + 1),
        (2 * DAY_MS + 500, 2 * DAY_MS + 501),
        (3 * DAY_MS - 1, 3 * DAY_MS),
        (3 * DAY_MS, 3 * DAY_MS),
        (4 * DAY_MS, 2 * DAY_MS),
        (0, 1),
        (-DAY_MS, 0),
        (None, 2 * DAY_MS + 501),
        (3 * DAY_MS - 1, None),
        (0, 100_000 * DAY_MS),
    ],
)
def test_of_a_range_of_time_come_those_created_in_it_without_its_end(
    store_profile: Adapters, from_ms: int | None, to_ms: int | None
) -> None:
    names = {"type_name": unique("type"), "project": unique("project")}
    around = [day * DAY_MS + ms for day in range(5) for ms in (0, 1, 500, DAY_MS - 1)]
    ids = [make(ms) for ms in around for make in (mint_at, id_version_1, id_version_6)]
    create(store_profile, ids, type=names["type_name"], project=names["project"])
    least, end = from_ms or 0, 9 * DAY_MS if to_ms is None else to_ms
    expected = [asset_id for asset_id in ids if least <= created_ms(asset_id) < end]
    for name, value in names.items():
        for limit in (1, 4, 1000):
            found = walk(store_profile.listing, **{name: value}, from_ms=from_ms, to_ms=to_ms, limit=limit)
            assert sorted(found) == sorted(expected)


def test_a_range_of_all_assets_comes_in_the_order_of_days(store_profile: Adapters) -> None:
    first_day = 500 * 365 + int(unique()[-3:], 16)
    ids = [mint_at((first_day + n) * DAY_MS + n) for n in range(4)]
    create(store_profile, ids, type=unique("type"))
    found = walk(store_profile.listing, from_ms=first_day * DAY_MS, to_ms=(first_day + 3) * DAY_MS + 3, limit=2)
    assert [asset_id for asset_id in found if asset_id in ids] == ids[:3]


def test_a_position_of_one_range_is_refused_by_one_that_begins_after_it(store_profile: Adapters) -> None:
    type_name = unique("type")
    create(store_profile, [mint_at(day * DAY_MS) for day in range(5)], type=type_name)
    page = store_profile.listing.page(type_name=type_name, from_ms=0, to_ms=3 * DAY_MS, position=None, limit=1)
    assert page.position is not None
    with pytest.raises(BadCursor):
        store_profile.listing.page(
            type_name=type_name, from_ms=3 * DAY_MS, to_ms=5 * DAY_MS, position=page.position, limit=1
        )


def test_a_purged_asset_is_taken_off_its_lists_and_no_other(store_profile: Adapters) -> None:
    type_name, project = unique("type"), unique("project")
    gone, left = write(store_profile.store, *[creation(type=type_name, project=project) for _ in range(2)])
    [purged] = write(store_profile.store, purge(gone, updated_ms=now_ms() + 1))
    for _ in range(2):
        store_profile.listing.remove([purged])
        assert walk(store_profile.listing, type_name=type_name) == [left.id]
        assert walk(store_profile.listing, project=project) == [left.id]
        day_ms = left.created_ms // DAY_MS * DAY_MS
        assert gone.id not in walk(store_profile.listing, from_ms=day_ms, to_ms=day_ms + DAY_MS)
    store_profile.listing.remove([])


def test_a_recreated_asset_stays_listed_when_its_purge_is_cleaned_up_late(
    store_profile: Adapters,
) -> None:
    type_name = unique("type")
    [asset] = write(store_profile.store, creation(type=type_name))
    [purged] = write(store_profile.store, purge(asset, updated_ms=now_ms() - 1))
    write(store_profile.store, recreation(purged))
    store_profile.listing.remove([purged])
    assert walk(store_profile.listing, type_name=type_name) == [asset.id]


@pytest.mark.parametrize("tidied_up", ["before", "after", "before and after"])
def test_an_asset_made_again_by_a_clock_far_behind_the_purge_is_listed(store_profile: Adapters, tidied_up: str) -> None:
    """Whether the rows of its former life go before or after it is listed again."""
    type_name, project, hour_ms = unique("type"), unique("project"), 3_600_000
    [asset] = write(store_profile.store, creation(type=type_name, project=project))
    [purged] = write(store_profile.store, purge(asset, updated_ms=now_ms() + hour_ms))
    if "before" in tidied_up:
        store_profile.listing.remove([purged])
        assert walk(store_profile.listing, type_name=type_name) == []
    [again] = write(store_profile.store, recreation(purged, updated_ms=now_ms()))
    if "after" in tidied_up:
        store_profile.listing.remove([purged])
    assert walk(store_profile.listing, type_name=type_name) == [asset.id]
    assert walk(store_profile.listing, project=project) == [asset.id]
    assert store_profile.listing.unlisted([again]) == {}


def test_an_asset_recreated_after_it_was_stripped_is_listed(store_profile: Adapters) -> None:
    before, after = unique("type"), unique("type")
    [asset] = write(store_profile.store, creation(type=before))
    [purged] = write(store_profile.store, purge(asset, updated_ms=now_ms() + 3_600_000))
    store_profile.listing.remove([purged])
    store_profile.store.strip([purged])
    stripped = store_profile.store.heads([asset.id])[asset.id]
    write(store_profile.store, recreation(stripped, type=after, version=1, updated_ms=now_ms()))
    assert walk(store_profile.listing, type_name=before) == []
    assert walk(store_profile.listing, type_name=after) == [asset.id]


def test_only_rows_from_before_the_purge_of_a_recreated_asset_are_removed(store_profile: Adapters) -> None:
    before, after = unique("type"), unique("type")
    [asset] = write(store_profile.store, creation(type=before))
    [purged] = write(store_profile.store, purge(asset))
    write(store_profile.store, recreation(purged, type=after))
    store_profile.listing.remove([purged])
    assert walk(store_profile.listing, type_name=before) == []
    assert walk(store_profile.listing, type_name=after) == [asset.id]


def test_an_asset_added_to_its_lists_again_by_a_clock_behind_is_listed(
    store_profile: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_name = unique("type")
    [asset] = write(store_profile.store, creation(type=type_name))
    [purged] = write(store_profile.store, purge(asset))
    [again] = write(store_profile.store, recreation(purged, type=type_name))
    store_profile.listing.remove([purged])
    behind_ns = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: behind_ns)
    store_profile.listing.add([again])
    assert store_profile.listing.unlisted([again]) == {}
