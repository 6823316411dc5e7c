"""The embedded search index as operations see it: its health and its migrations."""

import sqlite3
import threading

import structlog

from amp.adapters.embedded.fts5 import require_fts5
from amp.adapters.embedded.migrations import apply_migration, load_migrations, pending_migrations
from amp.adapters.embedded.pairing import Pairing
from amp.adapters.embedded.search_database import SearchDatabase
from amp.errors import NotMigrated
from amp.resources import resource_folder

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 2.0
#: Timeout of each of the two steps of a ping, in seconds. Together they take less time than a health check waits.
_PING_TIMEOUT_S = 1.0


class SearchComponent:
    """The component for everything in `search.db`."""

    name = "search"

    def __init__(self, database: SearchDatabase, pairing: Pairing | None = None) -> None:
        """:param pairing: the pairing with the store in the same folder; None: the index is not paired with a store."""
        self._database = database
        self._pairing = pairing
        self._migrating = threading.Lock()
        self._migrations = load_migrations(resource_folder("migrations") / "sqlite_search")

    def ping(self) -> str:
        with self._database.read(_PING_TIMEOUT_S) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self._database.probe(_PING_TIMEOUT_S)
        return f"SQLite {sqlite3.sqlite_version}, {self._database.path}"

    def pending(self) -> list[str]:
        require_fts5()
        if fault := self._damage() or self._mismatch():
            return [f"set aside {self._database.path.name}, which {fault}, and create a new one"]
        try:
            with self._database.read(_TIMEOUT_S) as connection:
                pending = pending_migrations(connection, self._migrations)
        except NotMigrated:
            pending = self._migrations
        return [f"apply migration {migration.name} to {self._database.path.name}" for migration in pending]

    def migrate(self) -> list[str]:
        require_fts5()
        with self._migrating:
            done = []
            # Everything in the index can be rebuilt from the store. Until then its buckets are marked incomplete.
            if fault := self._damage():
                done.append(self._set_aside(fault))
            done += self._apply()
            if fault := self._mismatch():
                done += [self._set_aside(fault), *self._apply()]
            if self._pairing:
                self._pairing.pair()
            return done

    def _apply(self) -> list[str]:
        with self._database.write() as connection:
            pending = pending_migrations(connection, self._migrations)
            for migration in pending:
                apply_migration(connection, migration)
        return [f"applied migration {migration.name} to {self._database.path.name}" for migration in pending]

    def _damage(self) -> str | None:
        damage = self._database.damage()
        return f"is damaged ({damage})" if damage else None

    def _mismatch(self) -> str | None:
        return self._pairing.fault() if self._pairing else None

    def _set_aside(self, fault: str) -> str:
        if self._pairing:
            self._pairing.leave()
        aside = self._database.set_aside()
        _log.error("search index set aside", action="search_index_set_aside", reason=fault, file=aside.name)
        return f"set aside {self._database.path.name}, which {fault}, as {aside.name}"

    def close(self) -> None:
        self._database.close()
