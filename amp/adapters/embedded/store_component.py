"""The store of the embedded set as operations see it."""

import sqlite3

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.migrations import apply_migration, load_migrations, pending_migrations
from amp.resources import resource_folder

_PING_TIMEOUT_S = 1.5


class SqliteStorePart:
    """Part of everything in `store.db`, the event queue's tables included."""

    name = "store"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._migrations = load_migrations(resource_folder("migrations") / "sqlite")

    def ping(self) -> str:
        self._database.probe(_PING_TIMEOUT_S)
        return f"SQLite {sqlite3.sqlite_version}, {self._database.path}"

    def pending(self) -> list[str]:
        with self._database.reading() as connection:
            pending = pending_migrations(connection, self._migrations)
        return [f"apply migration {migration.name} to {self._database.path.name}" for migration in pending]

    def migrate(self) -> list[str]:
        done = []
        with self._database.writing() as connection:
            for migration in pending_migrations(connection, self._migrations):
                apply_migration(connection, migration)
                done.append(f"applied migration {migration.name} to {self._database.path.name}")
        return done

    def close(self) -> None:
        self._database.close()
