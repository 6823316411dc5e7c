"""Which `search.db` matches a `store.db`: whatever a kill leaves does, and no mixture that makes searches wrong."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.pairing import Pairing
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.store_component import SqliteStoreComponent


@dataclass
class Files:
    """Both files, open in a process that has just started."""

    store: Database
    index: SearchDatabase
    pairing: Pairing
    parts: tuple[SqliteStoreComponent, SearchComponent]

    def migrate(self) -> list[str]:
        return [line for part in self.parts for line in part.migrate()]

    def change(self, *, durable: bool = True) -> None:
        """A transaction of the store; a durable one stands for an asset."""
        with self.store.writing(durable=durable) as connection:
            if durable:
                connection.execute("REPLACE INTO health_probes SELECT 'assets', count + 1, x'' FROM (" + _READ + ")")

    def index_all(self) -> None:
        """All assets into the index, and then the note that they are there into the store."""
        with self.store.reading() as connection:
            assets = _number(connection, "assets")
        with self.index.write() as connection:
            connection.execute("REPLACE INTO health_probes VALUES ('assets', ?, x'')", (assets,))
        with self.store.writing(durable=False) as connection:
            connection.execute("REPLACE INTO health_probes VALUES ('indexed', ?, x'')", (assets,))

    def are_consistent(self) -> bool:
        """Every document has its asset, and what counts as indexed is in the index."""
        with self.store.reading() as store, self.index.read(5) as index:
            return _number(store, "indexed") <= _number(index, "assets") <= _number(store, "assets")


_READ = "SELECT coalesce(max(probed_ms), 0) AS count FROM health_probes WHERE name = 'assets'"


def _number(connection: sqlite3.Connection, name: str) -> int:
    query = "SELECT coalesce(max(probed_ms), 0) FROM health_probes WHERE name = ?"
    return int(connection.execute(query, (name,)).fetchone()[0])


@contextmanager
def opened(folder: Path) -> Iterator[Files]:
    with closing(Database(folder)) as store, closing(SearchDatabase(folder)) as index:
        pairing = Pairing(store, index)
        pairing.join()
        yield Files(store, index, pairing, (SqliteStoreComponent(store), SearchComponent(index, pairing)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with opened(tmp_path / "data") as files:
        files.migrate()
        files.change()
        files.index_all()
    return tmp_path / "data"


def killed(folder: Path, name: str) -> Path:
    """A copy of the files as a kill would leave them now."""
    return Path(shutil.copytree(folder, folder.parent / name))


def replaced(folder: Path, pattern: str, source: Path) -> None:
    for file in folder.glob(pattern):
        file.unlink()
    for file in source.glob(pattern):
        shutil.copy(file, folder)


def set_aside(folder: Path) -> list[str]:
    with opened(folder) as files:
        return [line for line in files.migrate() if "set aside" in line]


def test_an_index_that_is_newer_than_the_store_is_set_aside_once(folder: Path) -> None:
    before = killed(folder, "before")
    with opened(folder) as files:
        files.change()
        files.index_all()
    replaced(folder, "store.db*", before)
    [line] = set_aside(folder)
    assert "is newer than store.db, whose last" in line
    assert set_aside(folder) == []
    assert len(list(folder.glob("search.db.set-aside-*"))) == 1


@pytest.mark.parametrize("pattern", ["store.db*", "search.db*"])
def test_writes_of_a_process_that_does_not_migrate_hide_no_mismatch(folder: Path, pattern: str) -> None:
    before = killed(folder, "before")
    with opened(folder) as files:
        files.change()
        files.index_all()
    replaced(folder, pattern, before)
    for _ in range(3):
        with opened(folder) as files:
            [doomed] = [line for line in files.parts[1].pending() if "set aside" in line]
            for _ in range(5):
                for part in files.parts:
                    part.ping()
                files.change()
                files.index_all()
    assert len(set_aside(folder)) == 1
    assert "search.db" in doomed


def test_a_store_whose_log_was_lost_does_not_match(folder: Path) -> None:
    with opened(folder) as files:
        files.change()
        files.index_all()
        after = killed(folder, "after")
    (after / "store.db-wal").unlink()
    assert set_aside(after)


def test_an_index_of_a_former_pair_does_not_match(folder: Path) -> None:
    former = killed(folder, "former")
    (folder / "search.db").unlink()
    with opened(folder) as files:
        files.migrate()
        files.index_all()
    replaced(folder, "search.db*", former)
    [line] = set_aside(folder)
    assert "does not belong to store.db" in line


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_kill_while_a_new_index_is_paired_leaves_nothing_to_set_aside(
    folder: Path, commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "search.db").unlink()
    copies = []

    def copied(run: Callable[..., object]) -> Callable[..., object]:
        @contextmanager
        def write(*args: object, **options: object) -> Iterator[object]:
            with run(*args, **options) as connection:  # type: ignore[attr-defined]
                yield connection
            copies.append(killed(folder, f"killed-{len(copies)}"))

        return write

    with opened(folder) as files:
        for part in files.parts:
            with monkeypatch.context() as patch:
                if part is files.parts[1]:
                    patch.setattr(files.store, "writing", copied(files.store.writing))
                    patch.setattr(files.index, "write", copied(files.index.write))
                part.migrate()
    assert set_aside(copies[commits]) == []


def test_a_write_that_waives_durability_is_counted_only_once_it_is_durable(folder: Path) -> None:
    with opened(folder) as files:
        files.index_all()
        before = _store_numbers(files)
        files.change(durable=False)
        files.index_all()
        assert _store_numbers(files)[1] == before[1]
        files.change()
        files.index_all()
        after = _store_numbers(files)
        assert after[1] > before[1]
        assert after[1] <= after[0]


def _store_numbers(files: Files) -> tuple[int, int]:
    """Transactions of the store, and those that the index knows."""
    with files.store.reading() as store, files.index.read(5) as index:
        query = "SELECT {} FROM pairings"
        [transactions] = store.execute(query.format("transactions")).fetchone()
        [seen] = index.execute(query.format("seen")).fetchone()
        return transactions, seen


@pytest.mark.parametrize("number", [0, 7])
def test_files_of_a_former_version_match_after_the_upgrade(folder: Path, number: int) -> None:
    _downgrade(folder, number, number + 3)
    assert set_aside(folder) == []
    _downgrade(folder, number + 4, number + 3)
    assert len(set_aside(folder)) == 1


def _downgrade(folder: Path, recorded: int, commits: int) -> None:
    """Both files as they were before they were paired."""
    for name, table, number in (("store", "index_commits", recorded), ("search", "commits", commits)):
        with closing(sqlite3.connect(folder / f"{name}.db")) as connection, connection:
            connection.execute("DROP TABLE pairings")
            connection.execute(f"CREATE TABLE {table} (number INTEGER NOT NULL)")
            connection.execute(f"INSERT INTO {table} VALUES (?)", (number,))
            connection.execute("DELETE FROM migrations WHERE name LIKE '%_pairings'")
            if name == "search" and not connection.execute("SELECT 1 FROM indices").fetchone():
                connection.execute("INSERT INTO indices (name) VALUES ('amp-1')")


def test_an_index_from_before_transactions_were_counted_does_not_match(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "search.db")) as connection, connection:
        connection.execute("DROP TABLE pairings")
        connection.execute("DELETE FROM migrations WHERE number IN (4, 5)")
        connection.execute("INSERT INTO indices (name) VALUES ('amp-1')")
    assert len(set_aside(folder)) == 1


def test_what_a_kill_leaves_matches_and_mixtures_match_only_if_they_agree(folder: Path) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    moments = []
    for _ in range(3):
        with opened(folder) as files:
            for _ in range(3):
                moments.append(killed(folder, f"moment-{len(moments)}"))
                for _ in range(chance.randrange(1, 4)):
                    chance.choice([files.change, lambda: files.change(durable=False), files.index_all])()
    for n, moment in enumerate(moments):
        assert _fault_of(moment) is None, f"moment {n}, seed {seed}"
    for n in range(20):
        store, index = chance.choice(moments), chance.choice(moments)
        mixture = folder.parent / f"mixture-{n}"
        mixture.mkdir()
        replaced(mixture, "store.db*", store)
        replaced(mixture, "search.db*", index)
        with opened(mixture) as files:
            if files.pairing.fault() is None:
                assert files.are_consistent(), f"{store.name} and {index.name}, seed {seed}"


def _fault_of(folder: Path) -> str | None:
    copy = killed(folder, f"{folder.name}-read")
    with opened(copy) as files:
        assert files.are_consistent()
        return files.pairing.fault()
