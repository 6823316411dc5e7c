"""Files of the embedded profile that cannot be used, or are removed while they are in use."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.errors import AmpError, BadSetting, SearchUnavailable, StoreUnavailable
from tests.support.file_limit import files_up_to


def as_file(path: Path) -> Path:
    path.write_text("not a folder")
    return path


def below_file(path: Path) -> Path:
    return as_file(path) / "data"


def with_garbage(path: Path) -> Path:
    path.mkdir()
    (path / "store.db").write_bytes(b"no database at all" * 100)
    return path


def with_folder_for_file(path: Path) -> Path:
    (path / "store.db").mkdir(parents=True)
    return path


def where_nothing_can_be_made(_: Path) -> Path:
    return Path("/proc/amp-data")  # root may write nearly everywhere else


@pytest.mark.parametrize("spoil", [as_file, below_file, with_garbage, with_folder_for_file, where_nothing_can_be_made])
def test_a_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path, spoil: Callable[[Path], Path]) -> None:
    folder = spoil(tmp_path / "data")
    for _ in range(2):  # the second time, nothing of the first stands in the way
        with pytest.raises(BadSetting) as refused:
            Database(folder)
        assert f"AMP_DATA_DIR={str(folder)!r}" in refused.value.message
        assert "\n" not in refused.value.message


def test_nothing_is_written_once_the_lock_of_the_folder_is_gone(tmp_path: Path) -> None:
    database = Database(tmp_path)
    (tmp_path / "lock").unlink()
    other = Database(tmp_path)
    with pytest.raises(StoreUnavailable, match="lock was removed or replaced"), database.writing():
        raise AssertionError
    with other.writing() as connection:
        connection.execute("SELECT 1")
    database.close()
    other.close()


def test_a_write_into_a_file_that_was_removed_is_refused(database: Database) -> None:
    database.path.unlink()
    with pytest.raises(StoreUnavailable, match="was removed or replaced"), database.writing():
        pytest.fail("it can be written")
    with pytest.raises(StoreUnavailable, match="was removed or replaced"):
        database.probe(1.0)


def test_a_write_into_a_file_that_was_replaced_is_refused(database: Database) -> None:
    copy = database.path.with_name("copy")
    copy.write_bytes(database.path.read_bytes())
    copy.rename(database.path)
    with pytest.raises(StoreUnavailable, match="was removed or replaced"), database.writing():
        pytest.fail("it can be written")


def test_a_probe_finds_nothing_wrong_beside_a_write_under_way(database: Database) -> None:
    with database.writing():
        database.probe(0.01)
    database.probe(1.0)


def test_a_probe_reports_a_closed_folder(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        database.probe(1.0)


def test_a_probe_after_a_failure_has_the_size_of_the_largest_request(tmp_path: Path) -> None:
    with closing(Database(tmp_path, max_write_bytes=12_000_000)) as database:
        SqliteStoreComponent(database).migrate()
        _probe_after_failure(database.writing, database.probe, StoreUnavailable)
    with closing(SearchDatabase(tmp_path, max_write_bytes=12_000_000)) as index:
        SearchComponent(index).migrate()
        _probe_after_failure(index.write, index.probe, SearchUnavailable)
    for name in ("store.db", "search.db"):
        assert (tmp_path / name).stat().st_size < 1_000_000, "the probe keeps the space that it finds"


def _probe_after_failure(
    write: Callable[[], AbstractContextManager[sqlite3.Connection]],
    probe: Callable[[float], None],
    unavailable: type[AmpError],
) -> None:
    with files_up_to(8_000_000):
        with pytest.raises(unavailable), write() as connection:
            connection.execute("REPLACE INTO health_probes VALUES ('request', 0, zeroblob(11000000))")
        for _ in range(2):
            with pytest.raises(unavailable):
                probe(1.0)
    for _ in range(2):
        probe(1.0)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_write_is_refused_once_the_log_of_the_file_was_removed(database: Database, suffix: str) -> None:
    database.path.with_name(database.path.name + suffix).unlink()
    with pytest.raises(StoreUnavailable, match="was removed or replaced"), database.writing():
        pytest.fail("it can be written")


def test_a_write_is_not_acknowledged_when_the_file_is_removed_meanwhile(database: Database) -> None:
    def write() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO numbers VALUES (1)")
            database.path.unlink()

    with pytest.raises(StoreUnavailable, match="was removed or replaced"):
        write()
