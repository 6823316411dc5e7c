"""Migrations of the embedded profile: once each, all or nothing, and their sum is the schema."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.migrations import Migration, apply_migration, load_migrations, pending_migrations
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.errors import BadSetting
from amp.resources import resource_folder

FOLDER = resource_folder("migrations") / "sqlite"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path)) as opened:
        yield opened


def schema(connection: sqlite3.Connection) -> dict[str, str]:
    """Name → definition, of everything but SQLite's own tables and the record of migrations."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' AND name <> 'migrations'"
    ).fetchall()
    return {name: " ".join(sql.split()) for name, sql in rows}


def test_the_schema_is_the_sum_of_the_migrations(database: Database) -> None:
    SqliteStoreComponent(database).migrate()
    with closing(sqlite3.connect(":memory:")) as whole, database.reading() as migrated:
        whole.executescript((FOLDER / "schema.sql").read_text(encoding="utf-8"))
        assert schema(migrated) == schema(whole)
        assert "assets" in schema(whole)


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [migration.number for migration in load_migrations(FOLDER)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_migrating_twice_does_it_once_and_says_so(database: Database) -> None:
    part = SqliteStoreComponent(database)
    names = [migration.name for migration in load_migrations(FOLDER)]
    assert part.pending() == [f"apply migration {name} to store.db" for name in names]
    assert part.migrate() == [f"applied migration {name} to store.db" for name in names]
    assert part.pending() == part.migrate() == []


def test_migrating_twice_at_once_does_it_once(database: Database) -> None:
    parts = [SqliteStoreComponent(database) for _ in range(4)]
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda part=part: done.append(part.migrate())) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, done)) == [0, 0, 0, len(load_migrations(FOLDER))]


def test_a_migration_that_fails_leaves_nothing_and_can_be_repeated(database: Database) -> None:
    broken = Migration(1, "0001_broken", "CREATE TABLE a (x);\nCREATE TABLE b (x);\nCREATE TABLE a (x);\n")

    def apply(migration: Migration) -> None:
        with database.writing() as connection:
            apply_migration(connection, migration)

    with pytest.raises(Exception, match="already exists"):
        apply(broken)
    with database.reading() as connection:
        assert schema(connection) == {}
        assert pending_migrations(connection, [broken]) == [broken]
    apply(Migration(1, "0001_mended", "CREATE TABLE a (x);\n-- ; not the end\nCREATE TABLE b (x)\n;\n-- the end"))
    with database.reading() as connection:
        assert sorted(schema(connection)) == ["a", "b"]


def test_only_what_was_not_applied_is_pending(database: Database) -> None:
    first, second = Migration(1, "0001_a", "CREATE TABLE a (x);"), Migration(2, "0002_b", "CREATE TABLE b (x);")
    with database.writing() as connection:
        apply_migration(connection, first)
    with database.reading() as connection:
        assert pending_migrations(connection, [first, second]) == [second]


@pytest.mark.parametrize(
    "present", [[], [Migration(1, "0001_a", "CREATE TABLE a (y);")], [Migration(2, "0002_b", "CREATE TABLE b (x);")]]
)
def test_a_folder_of_another_version_is_refused(database: Database, present: list[Migration]) -> None:
    with database.writing() as connection:
        apply_migration(connection, Migration(1, "0001_a", "CREATE TABLE a (x);"))
    with database.reading() as connection, pytest.raises(BadSetting, match="another version of AMP"):
        pending_migrations(connection, present)
