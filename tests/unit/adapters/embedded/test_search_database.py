"""What the embedded search index keeps beyond the contract: restarts, interruptions, timeouts, its file."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest

from amp.adapters.embedded import search_bucket_indices
from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_index import SqliteSearchIndex
from amp.domain.criteria import EntryMatches, IndexQuery, OneOf, TextMatches
from amp.domain.types import FieldType
from amp.errors import NotMigrated, SearchUnavailable
from amp.ports.search_index import Put, WriteStatus
from amp.services.system.health import _BOUND_S
from tests.support.asset_samples import at_once
from tests.support.search.full_text import postings
from tests.support.search.profiles import SearchProfile, asset, head, names

MIGRATIONS = [
    "0001_documents",
    "0002_raw_documents",
    "0003_health_probes",
    "0004_commits",
    "0005_pairings",
    "0006_words_in_fts5",
]
H264 = EntryMatches("codec", FieldType.STRING, (OneOf(("h264",)),))


def opened(folder: Path) -> tuple[SearchDatabase, SearchProfile]:
    database = SearchDatabase(folder)
    SearchComponent(database).migrate()
    index, indices = SqliteSearchIndex(database), SqliteBucketIndices(database)
    return database, SearchProfile(
        index=index, indices=indices, documents=SqliteBucketDocuments(database), prefix="amp"
    )


@pytest.fixture(name="database")
def make_database(tmp_path: Path) -> Iterator[SearchDatabase]:
    with closing(SearchDatabase(tmp_path)) as database:
        yield database


def rows(database: SearchDatabase, table: str) -> int:
    with database.read(5) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("kept", metadata={"codec": "h264"}))])
    before = search_profile.indices.info()
    database.close()
    database, search_profile = opened(tmp_path)
    with closing(database):
        assert search_profile.indices.info() == before
        assert names(search_profile.search(H264)) == ["kept"]
        # Numbers given to fields before the restart are not given again.
        later = asset("later", metadata={"gain": 1.0, "codec": "h264"}, revision=2)
        assert search_profile.put(bucket, head(later))[0].status is WriteStatus.DONE
        assert set(names(search_profile.search(H264))) == {"kept", "later"}


def test_migrating_twice_or_twice_at_once_does_it_once(tmp_path: Path) -> None:
    done: list[str] = []
    databases = [SearchDatabase(tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=lambda d=d: done.extend(SearchComponent(d).migrate())) for d in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [f"applied migration {name} to search.db" for name in MIGRATIONS]
    assert SearchComponent(databases[0]).pending() == []
    for database in databases:
        database.close()


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for n in range(20):
        databases = [SearchDatabase(tmp_path / str(n)) for _ in range(8)]
        modes = at_once([partial(_journal_mode, database) for database in databases])
        assert modes == ["wal"] * 8
        for database in databases:
            database.close()


def _journal_mode(database: SearchDatabase) -> str:
    with database.write() as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_what_is_pending_is_reported_and_the_rest_says_what_to_do(database: SearchDatabase) -> None:
    part = SearchComponent(database)
    assert part.pending() == [f"apply migration {name} to search.db" for name in MIGRATIONS]
    with pytest.raises(NotMigrated):
        SqliteSearchIndex(database).search(IndexQuery(criteria=H264))
    with pytest.raises(NotMigrated):
        SqliteSearchIndex(database).put([Put("w", head(asset()))])
    assert "search.db" in part.ping()


def test_a_search_that_times_out_leaves_the_connection_usable(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        search_profile.store(bucket, [head(asset(str(n), at=n, metadata={"codec": "h264"})) for n in range(2_000)])
        with pytest.raises(SearchUnavailable):
            search_profile.search(H264, timeout_s=1e-9)
        assert search_profile.search(H264, timeout_s=60).total == 2_000


def test_a_closed_index_is_unavailable(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    bucket = search_profile.bucket()
    database.close()
    with pytest.raises(SearchUnavailable):
        search_profile.search()
    assert search_profile.put(bucket, head(asset()))[0].status is WriteStatus.BUSY


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "search.db").write_bytes(b"no database at all" * 1000)
    with closing(SearchDatabase(tmp_path)) as database, pytest.raises(SearchUnavailable):
        SearchComponent(database).ping()


def test_a_ping_answers_before_a_health_check_stops_waiting(tmp_path: Path) -> None:
    database, _ = opened(tmp_path)
    bounds_s = []
    read = database.read

    def slow(timeout_s: float) -> AbstractContextManager[sqlite3.Connection]:
        bounds_s.append(timeout_s)
        return read(timeout_s)

    with closing(database), pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "read", slow)
        patch.setattr(database, "probe", bounds_s.append)
        SearchComponent(database).ping()
    assert len(bounds_s) == 2
    assert sum(bounds_s) < _BOUND_S


def test_a_file_that_is_set_aside_is_renamed_before_its_log(tmp_path: Path) -> None:
    """Killed in between, it would be taken for a sound one."""
    database, _ = opened(tmp_path)
    database.close()
    (tmp_path / "search.db-wal").touch()
    real = Path.rename

    def once(path: Path, target: Path) -> Path:
        if list(tmp_path.glob("*.set-aside-*")):
            raise PermissionError("killed")
        return real(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", once)
        with pytest.raises(PermissionError):
            database.set_aside()
    assert not (tmp_path / "search.db").exists()


def test_a_document_that_cannot_be_stored_is_rejected_alone(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        too_big, surrogate, good = (head(asset(name, metadata={"codec": "h264"})) for name in ("big", "half", "good"))
        too_big.body["version"] = 2**63
        surrogate.body["project"] = "\ud800"
        results = search_profile.put(bucket, too_big, head(asset("first", metadata={"gain": 1.0})), surrogate, good)
        assert [result.status for result in results] == [
            WriteStatus.REJECTED,
            WriteStatus.DONE,
            WriteStatus.REJECTED,
            WriteStatus.DONE,
        ]
        assert set(names(search_profile.search())) == {"first", "good"}
        assert names(search_profile.search(H264)) == ["good"]


def test_replacing_and_dropping_leaves_no_rows_behind(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        first = asset("one two", labels=["red"], external_id="x", metadata={"codec": "a b", "takes": (1, 2, 3)})
        search_profile.store(bucket, [head(first)])
        search_profile.store(bucket, [head(asset("three", asset_id=first.id, revision=2))])
        assert search_profile.search(TextMatches(("two",))).total == 0
        assert {table: rows(database, table) for table in ("documents", "sources", "entries")} == {
            "documents": 1,
            "sources": 1,
            "entries": 0,
        }
        assert [posting.word for posting in postings(tmp_path)] == ["three", "three"]
        search_profile.indices.drop(bucket.index)
        assert all(rows(database, table) == 0 for table in ("indices", "documents", "sources", "entries"))
        assert postings(tmp_path) == []


def test_a_drop_that_was_interrupted_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket, other = search_profile.bucket(), search_profile.bucket(2_000_000_000)
        search_profile.store(bucket, [head(asset(str(n))) for n in range(5)])
        with monkeypatch.context() as patched:
            patched.setattr(search_bucket_indices, "_DROP_BATCH", 2)
            patched.setattr(SqliteBucketIndices, "_remove_dropped_batch", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                search_profile.indices.drop(bucket.index)
        assert search_profile.search().total == 0
        assert [info.index for info in search_profile.indices.info()] == [other.index]
        assert search_profile.indices.create(bucket.index), "its name is free"
        search_profile.indices.drop(search_profile.new_index())
        assert rows(database, "documents") == 0
        assert rows(database, "indices") == 2


def _interrupted(_: SqliteBucketIndices) -> bool:
    raise KeyboardInterrupt


def test_searches_go_on_while_a_put_is_under_way(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        search_profile.store(bucket, [head(asset("there"))])
        with database.write() as connection:
            connection.execute("DELETE FROM documents")
            assert names(search_profile.search()) == ["there"]
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_nothing_is_read_or_written_once_the_file_was_removed(tmp_path: Path, suffix: str) -> None:
    with closing(SearchDatabase(tmp_path)) as database:
        with database.write() as connection:
            connection.execute("CREATE TABLE numbers (n INTEGER)")
        database.path.with_name(database.path.name + suffix).unlink()
        with pytest.raises(SearchUnavailable, match="was removed"), database.write():
            pytest.fail("it can be written")
        with pytest.raises(SearchUnavailable, match="was removed"), database.read(1.0):
            pytest.fail("it can be read")


_OTHER_READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT * FROM numbers").fetchall())
connection.close()
"""


def test_another_reader_of_the_file_takes_nothing_away(tmp_path: Path) -> None:
    with closing(SearchDatabase(tmp_path)) as database:
        with database.write() as connection:
            connection.execute("CREATE TABLE numbers (n INTEGER)")
        with database.read(1.0) as one, database.read(1.0) as two:
            assert one is not two
        subprocess.run([sys.executable, "-c", _OTHER_READER, str(database.path)], check=True, capture_output=True)
        with database.write() as connection:
            connection.execute("INSERT INTO numbers VALUES (1)")
        found = subprocess.run(
            [sys.executable, "-c", _OTHER_READER, str(database.path)], check=True, capture_output=True, text=True
        )
    assert found.stdout.strip() == "[(1,)]"
