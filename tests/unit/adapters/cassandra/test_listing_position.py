"""Positions in a list, and where an asset is listed."""

from uuid import UUID

import pytest

from amp.adapters.cassandra.asset_listing import Position, partitions_of
from amp.domain.ids import mint_at
from amp.errors import BadCursor
from tests.support.asset_samples import id_version_1, new_asset


@pytest.mark.parametrize(
    "position", [Position(0, 0, None), Position(20_000, 15, mint_at(1)), Position(1, 2, id_version_1(5))]
)
def test_a_position_is_read_back(position: Position) -> None:
    assert Position.decode(position.encode()) == position


@pytest.mark.parametrize(
    "text", ["", "x", "e30=", "W10=", "WzEsMl0=", "WzEsMixudWxsLDNd", "WyJhIiwyLG51bGxd", "WzEuNSwyLG51bGxd", "ü"]
)
def test_anything_else_is_no_position(text: str) -> None:
    with pytest.raises(BadCursor):
        Position.decode(text)


def test_numbers_past_what_the_store_holds_are_no_position() -> None:
    with pytest.raises(BadCursor):
        Position.decode(Position(1 << 40, 0, None).encode())


def test_an_asset_is_listed_by_all_type_and_project_on_its_first_day() -> None:
    asset = new_asset(id=mint_at(3 * 86_400_000 + 5), type="movie", project="p")
    places = partitions_of(asset)
    assert [place[0] for place in places] == ["all", "type:movie", "project:p"]
    assert {place[1] for place in places} == {3}


def test_the_assets_of_one_day_spread_over_the_shards_for_all_kinds_of_id() -> None:
    for make in (mint_at, id_version_1):
        shards = [partitions_of(new_asset(id=make(n)))[0][2] for n in range(400)]
        assert len(set(shards)) == 16
        assert max(shards.count(shard) for shard in set(shards)) < 60


def test_ids_of_one_node_do_not_pile_up_in_one_shard() -> None:
    """Version 1 ids end in their machine's address: the end alone would be one shard."""
    node = 0x9DEADBEEF000
    ids = [UUID(int=(id_version_1(n).int >> 62 << 62) | 1 << 63 | node) for n in range(400)]
    assert len({partitions_of(new_asset(id=asset_id))[0][2] for asset_id in ids}) == 16
