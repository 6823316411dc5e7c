"""What `amp migrate` makes of buckets, and what it leaves alone: a bucket worker may be at work beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.domain.buckets import BucketMap
from amp.domain.ids import mint_at
from amp.domain.move_phases import dual, planned_rebuild
from amp.ports.bucket_indices import AliasChange, IndexInfo
from amp.ports.bucket_registry import BucketRegistry
from amp.services.system.migrate import SystemMigration


@dataclass
class Installation:
    registry: BucketRegistry
    indices: SqliteBucketIndices
    migrate: SystemMigration

    @property
    def bucket_map(self) -> BucketMap:
        found = self.registry.load()
        assert found is not None
        return found

    def info(self) -> dict[str, IndexInfo]:
        return {info.index: info for info in self.indices.info()}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    store, search = Database(tmp_path), SearchDatabase(tmp_path)
    registry, indices = SqliteBucketRegistry(store), SqliteBucketIndices(search)
    parts = (SqliteStoreComponent(store), SearchComponent(search))
    yield Installation(
        registry, indices, SystemMigration(components=parts, registry=registry, indices=indices, index_prefix="amp")
    )
    for part in parts:
        part.close()


def test_a_fresh_installation_has_one_complete_bucket(installation: Installation) -> None:
    assert installation.migrate.run()
    [bucket] = installation.bucket_map.buckets
    assert not bucket.incomplete
    assert installation.info()[bucket.index].write_aliases == (bucket.write_alias,)
    assert installation.migrate.pending() == installation.migrate.run() == []


def test_an_index_that_migrate_makes_again_is_incomplete(installation: Installation) -> None:
    installation.migrate.run()
    [before] = installation.bucket_map.buckets
    installation.indices.drop(before.index)
    assert installation.migrate.pending() == [f"buckets: create an index in place of {before.index}, which is lost"]
    installation.migrate.run()
    [after] = installation.bucket_map.buckets
    assert after.incomplete
    assert after.index != before.index
    assert installation.info()[after.index].write_aliases == (after.write_alias,)


def test_a_run_that_was_cut_off_is_completed_by_the_next(installation: Installation) -> None:
    installation.migrate.run()
    [bucket] = installation.bucket_map.buckets
    gone = AliasChange(remove_write=((bucket.index, bucket.write_alias),), remove_read=(bucket.index,))
    installation.indices.change_aliases(gone)
    installation.migrate.run()
    assert installation.info()[bucket.index].write_aliases == (bucket.write_alias,)
    assert not installation.bucket_map.buckets[0].incomplete


def test_a_write_alias_that_a_move_took_away_is_not_added_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.migrate.run()
    read_before = installation.bucket_map
    [bucket] = read_before.buckets
    planned = planned_rebuild(read_before, "amp", bucket, mint_at(1_800_000_000_000))
    moving = dual(planned)
    installation.registry.replace(planned, expected_generation=read_before.generation)
    installation.registry.replace(moving, expected_generation=planned.generation)
    dual_alias = moving.buckets[0].write_alias
    installation.indices.change_aliases(
        AliasChange(
            remove_write=((bucket.index, bucket.write_alias),),
            add_write=((bucket.index, dual_alias),),
            remove_read=(bucket.index,),
        )
    )
    # It read the map before the move and acts now.
    monkeypatch.setattr(installation.registry, "load", lambda: read_before)
    installation.migrate.run()
    assert installation.info()[bucket.index].write_aliases == (dual_alias,)


def test_aliases_that_come_between_its_look_and_its_act_stay_as_they_are(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.migrate.run()
    [bucket] = installation.bucket_map.buckets
    installation.indices.change_aliases(AliasChange(remove_write=((bucket.index, bucket.write_alias),)))
    installation.indices.change_aliases(AliasChange(remove_read=(bucket.index,)))
    looked, other = installation.indices.info, f"{bucket.index}-w7"

    def look_and_sleep() -> list[IndexInfo]:
        found = looked()
        if not any(info.write_aliases for info in found):
            installation.indices.change_aliases(AliasChange(add_write=((bucket.index, other),)))
        return found

    monkeypatch.setattr(installation.indices, "info", look_and_sleep)
    installation.migrate.run()
    monkeypatch.undo()
    assert installation.info()[bucket.index].write_aliases == (other,)
