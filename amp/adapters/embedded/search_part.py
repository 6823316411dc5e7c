"""The embedded search index as operations see it."""

import sqlite3
from collections.abc import Callable

import structlog

from amp.adapters.embedded.index_commits import begin_count, lag_of
from amp.adapters.embedded.migrations import apply_migration, load_migrations, pending_migrations
from amp.adapters.embedded.search_database import SearchDatabase
from amp.errors import NotMigrated
from amp.resources import resource_folder

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 2.0
_PROBE_TIMEOUT_S = 1.0


class SearchPart:
    """Part of everything in `search.db`."""

    name = "search"

    def __init__(self, database: SearchDatabase, recorded_commits: Callable[[], int] = lambda: 0) -> None:
        """:param recorded_commits: so many transactions of the index does the store know of."""
        self._database = database
        self._recorded_commits = recorded_commits
        self._migrations = load_migrations(resource_folder("migrations") / "sqlite_search")

    def ping(self) -> str:
        with self._database.read(_TIMEOUT_S) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self._database.probe(_PROBE_TIMEOUT_S)
        return f"SQLite {sqlite3.sqlite_version}, {self._database.path}"

    def pending(self) -> list[str]:
        if fault := self._fault():
            return [f"set aside {self._database.path.name}, which {fault}, and make a new one"]
        try:
            with self._database.read(_TIMEOUT_S) as connection:
                pending = pending_migrations(connection, self._migrations)
        except NotMigrated:
            pending = self._migrations
        return [f"apply migration {migration.name} to {self._database.path.name}" for migration in pending]

    def migrate(self) -> list[str]:
        done = []
        # Everything in it can be made again from the store; the buckets are then known to be incomplete.
        if fault := self._fault():
            aside = self._database.set_aside()
            done.append(f"set aside {self._database.path.name}, which {fault}, as {aside.name}")
            _log.error("search index set aside", action="search_index_set_aside", reason=fault, file=aside.name)
        with self._database.write() as connection:
            for migration in pending_migrations(connection, self._migrations):
                apply_migration(connection, migration)
                done.append(f"applied migration {migration.name} to {self._database.path.name}")
            begin_count(connection, self._recorded_commits())
        return done

    def _fault(self) -> str | None:
        """Why what is in the file cannot be relied on; None: it can, or there is nothing in it."""
        if damage := self._database.damage():
            return f"is damaged ({damage})"
        try:
            with self._database.read(_TIMEOUT_S) as connection:
                lag = lag_of(connection, self._recorded_commits())
        except NotMigrated:
            return None
        return f"is older than the store: its last {lag} transactions are missing" if lag else None

    def close(self) -> None:
        self._database.close()
