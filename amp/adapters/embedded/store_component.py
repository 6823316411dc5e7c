"""The store of the embedded profile as operations see it: its health and its migrations."""

import sqlite3

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.migrations import apply_migration, load_migrations, pending_migrations
from amp.resources import resource_folder

_PING_TIMEOUT_S = 1.5


class SqliteStoreComponent:
    """The component for everything in `store.db`, including the tables of the message queue."""

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
        actions = []
        with self._database.writing() as connection:
            for migration in pending_migrations(connection, self._migrations):
                apply_migration(connection, migration)
                actions.append(f"applied migration {migration.name} to {self._database.path.name}")
        return actions

    def close(self) -> None:
        self._database.close()
