"""A damaged search index is set aside and refilled; a damaged or emptied store is refused, never taken for new."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from amp.adapters.embedded.database import Database
from amp.domain.criteria import EVERYTHING, IndexQuery
from amp.domain.principals import Principal
from amp.errors import BadSetting
from tests.support.service.amp_command import amp_command
from tests.support.service.built import built
from tests.support.service.wired import wired


def _zeroed(path: Path) -> None:
    path.write_bytes(b"\x00" * path.stat().st_size)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1_000)


def _garbage_inside(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def _removed(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


HARMS = [_zeroed, _truncated, _garbage, _garbage_inside]


def filled(folder: Path) -> str:
    with wired({"data_dir": folder}) as environment:
        asset = environment.create("one")
        environment.index(*environment.events(1))
        assert [item[0] for item in environment.seen()] == [str(asset.id)]
    for name in ("store.db", "search.db"):
        for suffix in ("-wal", "-shm"):
            assert not (folder / f"{name}{suffix}").exists()
    return str(asset.id)


@pytest.mark.parametrize("harm", [*HARMS, _removed, _emptied])
def test_a_lost_search_index_leaves_a_working_service_and_a_refill(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    asset_id = filled(tmp_path)
    harm(tmp_path / "search.db")
    with built({"data_dir": tmp_path}) as amp:
        [bucket] = amp.system.health.check().buckets
        assert "not all documents are indexed again" in bucket.detail
        assert amp.assets.reader.get(UUID(asset_id), Principal()).name == "one"
        amp.moves.refill.run()
        [job] = amp.adapters.jobs.open()
        assert job.kind == "reindex"
    kept = list(tmp_path.glob("search.db.set-aside-*"))
    assert bool(kept) is (harm in HARMS)


def killed_after_indexing(folder: Path) -> Path:
    """A data folder as a kill leaves it: one asset is indexed, and the store has committed since."""
    with built({"data_dir": folder / "alive"}):
        pass
    with wired({"data_dir": folder / "alive"}) as environment:
        environment.create("one")
        environment.index(*environment.events(1))
        environment.create("two")
        shutil.copytree(folder / "alive", folder / "killed")
    return folder / "killed"


def test_a_killed_process_leaves_an_index_as_new_as_the_store(tmp_path: Path) -> None:
    folder = killed_after_indexing(tmp_path)
    for _ in range(2):
        with built({"data_dir": folder}) as amp:
            assert amp.system.migration.pending() == []
            assert amp.system.health.check().buckets == []
            assert amp.adapters.index.search(IndexQuery(criteria=EVERYTHING)).total == 1


def _log_lost(folder: Path) -> None:
    (folder / "search.db-wal").unlink()


def _restored(folder: Path) -> None:
    for file in folder.glob("search.db*"):
        file.unlink()
    with built({"data_dir": folder.parent / "older"}):
        pass
    shutil.copy(folder.parent / "older" / "search.db", folder)


@pytest.mark.parametrize("harm", [_log_lost, _restored])
def test_an_index_that_is_older_than_the_store_is_set_aside_and_refilled(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = killed_after_indexing(tmp_path)
    harm(folder)
    with built({"data_dir": folder}) as amp:
        [bucket] = amp.system.health.check().buckets
        assert "not all documents are indexed again" in bucket.detail
        amp.moves.refill.run()
        [job] = amp.adapters.jobs.open()
        assert job.kind == "reindex"
    assert list(folder.glob("search.db.set-aside-*"))
    with built({"data_dir": folder}) as amp:
        assert amp.system.migration.pending() == []
    assert len(list(folder.glob("search.db.set-aside-????????T????????????"))) == 1


def store_restored(folder: Path) -> Path:
    """A data folder whose `store.db` is of a moment before the last changes, all of which are indexed."""
    with wired({"data_dir": folder / "data"}) as environment:
        asset = environment.create("one")
        environment.index(*environment.events(1))
        shutil.copytree(folder / "data", folder / "backup")
        environment.edit(asset, "edited")
        environment.create("lost")
        environment.index(*environment.events(2))
    for file in (folder / "backup").glob("store.db*"):
        shutil.copy(file, folder / "data")
    return folder / "data"


def test_an_index_ahead_of_a_restored_store_is_set_aside_and_refilled(tmp_path: Path) -> None:
    folder = store_restored(tmp_path)
    with built({"data_dir": folder}) as amp:
        [bucket] = amp.system.health.check().buckets
        assert "not all documents are indexed again" in bucket.detail
        assert amp.adapters.index.search(IndexQuery(criteria=EVERYTHING)).total == 0
    with built({"data_dir": folder}) as amp:
        assert amp.system.migration.pending() == []
    assert len(list(folder.glob("search.db.set-aside-????????T????????????"))) == 1


def test_doctor_names_a_restored_store_however_often_it_runs(tmp_path: Path) -> None:
    folder = store_restored(tmp_path)
    for _ in range(3):
        result = amp_command("doctor", env={"AMP_DATA_DIR": folder})
        assert result.exit_code == 1
        assert "is newer than store.db" in result.stdout


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_store_is_refused_in_one_line(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    filled(tmp_path)
    harm(tmp_path / "store.db")
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(BadSetting, match="is damaged") as refused:
        Database(tmp_path)
    assert "\n" not in refused.value.message
    assert "backup" in refused.value.message
    assert (tmp_path / "store.db").read_bytes() == before


def test_an_emptied_store_is_not_taken_for_new(tmp_path: Path) -> None:
    filled(tmp_path)
    _emptied(tmp_path / "store.db")
    for _ in range(2):
        with pytest.raises(BadSetting, match="is empty"):
            Database(tmp_path)


def test_a_new_store_is_never_empty(tmp_path: Path) -> None:
    Database(tmp_path).close()
    assert (tmp_path / "store.db").stat().st_size > 0
    Database(tmp_path).close()


def test_a_missing_store_beside_an_index_is_refused(tmp_path: Path) -> None:
    with built({"data_dir": tmp_path}):
        pass
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    with pytest.raises(BadSetting, match=r"is missing although search\.db exists"), built({"data_dir": tmp_path}):
        pytest.fail("it was taken for new")
