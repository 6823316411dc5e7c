"""Numbered SQL files. Each is applied once, in order, completely or not at all, and recorded with its checksum."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amp.errors import BadSetting

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_ms INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str  #: the file name without the suffix
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Path) -> list[Migration]:
    """Return the migrations in `folder` by number. Their files are named like `0001_what_it_does.sql`."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [Migration(int(file.name[:4]), file.stem, file.read_text(encoding="utf-8")) for file in files]


def pending_migrations(connection: sqlite3.Connection, migrations: list[Migration]) -> list[Migration]:
    """Return the migrations that are not applied yet.

    :raises BadSetting: the data was created by a version of AMP that this one is not compatible with.
    """
    has_table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
    rows = connection.execute("SELECT number, name, checksum FROM migrations").fetchall() if has_table else []
    known = {migration.number: migration for migration in migrations}
    for number, name, checksum in rows:
        if number not in known or known[number].checksum != checksum:
            raise BadSetting(
                f"the data folder was created by another version of AMP: migration {name} is missing or different here"
            )
    applied = {number for number, _, _ in rows}
    return [migration for migration in migrations if migration.number not in applied]


def apply_migration(connection: sqlite3.Connection, migration: Migration) -> None:
    """Apply and record the migration within the caller's transaction: completely or not at all."""
    connection.execute(_TABLE)
    for statement in _statements(migration.sql):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO migrations VALUES (?, ?, ?, ?)",
        (migration.number, migration.name, migration.checksum, int(time.time() * 1000)),
    )


def _statements(sql: str) -> Iterator[str]:
    """Yield the statements one by one, because `executescript` would commit the surrounding transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
