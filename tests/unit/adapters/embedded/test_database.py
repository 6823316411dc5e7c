"""The database of the embedded profile: one process, one writer, durable acknowledged writes, faults in plain words."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.errors import DataDirLocked, NotMigrated, QueueUnavailable, StoreUnavailable

#: Writes numbers for ever and says each that was acknowledged.
WRITER = """
import sys
from pathlib import Path
from amp.adapters.embedded.database import Database
database = Database(Path(sys.argv[1]))
with database.writing() as connection:
    connection.execute("CREATE TABLE numbers (n INTEGER)")
n = 0
while True:
    with database.writing() as connection:
        connection.execute("INSERT INTO numbers VALUES (?)", (n,))
    print(n, flush=True)
    n += 1
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that writes into the folder, past its first acknowledged write."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "0\n"
        yield process
        process.kill()


def numbers(database: Database) -> list[int]:
    with database.reading() as connection:
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n").fetchall()]


def test_the_folder_is_made_and_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    with closing(Database(folder)) as database:
        assert database.path == folder / "store.db"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_refusal_of_a_second_process_names_folder_and_process(
    tmp_path: Path, writer: "subprocess.Popen[str]"
) -> None:
    with pytest.raises(DataDirLocked) as refused:
        Database(tmp_path)
    assert str(tmp_path) in refused.value.message
    assert str(writer.pid) in refused.value.message


def test_a_folder_cannot_be_opened_twice_within_a_process_either(database: Database) -> None:
    with pytest.raises(DataDirLocked, match=str(os.getpid())):
        Database(database.path.parent)
    database.close()
    Database(database.path.parent).close()


def test_acknowledged_writes_survive_a_kill_and_the_folder_is_free_again(
    tmp_path: Path, writer: "subprocess.Popen[str]"
) -> None:
    assert writer.stdout is not None
    for _ in range(50):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged = 51 + len(writer.stdout.readlines())
    writer.wait()
    with closing(Database(tmp_path)) as database:
        # One more may be there, of which the process had no time to tell.
        assert numbers(database)[:acknowledged] == list(range(acknowledged))


def test_a_write_waits_for_the_disk_unless_it_waives_that(database: Database) -> None:
    with database.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with database.writing(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    with database.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_failing_block_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO numbers VALUES (1)")
            raise RuntimeError("the caller failed")

    with pytest.raises(RuntimeError):
        fail()
    assert numbers(database) == []
    with database.writing() as connection:
        connection.execute("INSERT INTO numbers VALUES (2)")
    assert numbers(database) == [2]


def test_one_thread_at_a_time_writes_while_others_read_what_is_committed(database: Database) -> None:
    faults: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(50):
                with database.writing(durable=False) as connection:
                    [newest] = connection.execute("SELECT coalesce(max(n), 0) FROM numbers").fetchone()
                    connection.execute("INSERT INTO numbers VALUES (?)", (newest + 1,))
        except Exception as e:  # noqa: BLE001 - to be looked at by the main thread
            faults.append(e)

    def look() -> None:
        try:
            seen = 0
            while any(thread.is_alive() for thread in writers):
                found = numbers(database)
                assert found == list(range(1, len(found) + 1))
                assert len(found) >= seen
                seen = len(found)
        except Exception as e:  # noqa: BLE001 - to be looked at by the main thread
            faults.append(e)

    writers = [threading.Thread(target=count_up) for _ in range(8)]
    readers = [threading.Thread(target=look) for _ in range(4)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join()
    assert faults == []
    assert numbers(database) == list(range(1, 401))


def test_connections_for_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="readonly"), database.reading() as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")


def test_connections_for_reads_are_used_again(database: Database) -> None:
    with database.reading() as first:
        pass
    with database.reading() as again, database.reading() as beside:
        assert again is first
        assert beside is not first


def test_errors_of_sqlite_come_out_as_those_of_the_port(database: Database) -> None:
    with pytest.raises(NotMigrated, match="amp migrate"), database.reading() as connection:
        connection.execute("SELECT * FROM nowhere")
    with pytest.raises(StoreUnavailable, match="syntax"), database.reading() as connection:
        connection.execute("SELEKT")
    with pytest.raises(QueueUnavailable), database.writing(QueueUnavailable) as connection:
        connection.execute("SELEKT")


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(StoreUnavailable, match="closed"), database.reading():
        pass
    with pytest.raises(StoreUnavailable, match="closed"), database.writing():
        pass


def test_a_read_under_way_ends_well_when_the_database_closes(database: Database) -> None:
    with database.reading() as connection:
        database.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
