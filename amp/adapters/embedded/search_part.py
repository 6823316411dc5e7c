"""The embedded search index as operations see it."""

import sqlite3

import structlog

from amp.adapters.embedded.migrations import apply_migration, load_migrations, pending_migrations
from amp.adapters.embedded.search_database import SearchDatabase
from amp.resources import resource_folder

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 2.0
_PROBE_TIMEOUT_S = 1.0


class SearchPart:
    """Part of everything in `search.db`."""

    name = "search"

    def __init__(self, database: SearchDatabase) -> None:
        self._database = database
        self._migrations = load_migrations(resource_folder("migrations") / "sqlite_search")

    def ping(self) -> str:
        with self._database.read(_TIMEOUT_S) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self._database.probe(_PROBE_TIMEOUT_S)
        return f"SQLite {sqlite3.sqlite_version}, {self._database.path}"

    def pending(self) -> list[str]:
        if damage := self._database.damage():
            return [f"set aside {self._database.path.name}, which is damaged ({damage}), and make a new one"]
        with self._database.read(_TIMEOUT_S) as connection:
            pending = pending_migrations(connection, self._migrations)
        return [f"apply migration {migration.name} to {self._database.path.name}" for migration in pending]

    def migrate(self) -> list[str]:
        done = []
        # Everything in it can be made again from the store; the buckets are then known to be incomplete.
        if damage := self._database.damage():
            aside = self._database.set_aside()
            done.append(f"set aside {self._database.path.name}, which is damaged ({damage}), as {aside.name}")
            _log.error("search index damaged", action="search_index_set_aside", reason=damage, file=aside.name)
        with self._database.write() as connection:
            for migration in pending_migrations(connection, self._migrations):
                apply_migration(connection, migration)
                done.append(f"applied migration {migration.name} to {self._database.path.name}")
        return done

    def close(self) -> None:
        self._database.close()
