"""The indices of buckets in SQLite: rows of one database, switched in transactions."""

import sqlite3
from collections.abc import Sequence

from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_rows import remove_documents
from amp.errors import NotFound
from amp.ports.bucket_indices import AliasChange, IndexInfo, ReadFilter

_INFO_TIMEOUT_S = 60.0
_SEARCHED_TIMEOUT_S = 2.0
#: Number of documents that a drop removes in one transaction. Other writers can write between the transactions.
_DROP_BATCH = 1_000


class SqliteBucketIndices:
    """Makes each change in one transaction under the writer's lock. So a block waits for the put before it, and no put
    is in progress when it returns. Committed documents are visible at once.
    """

    def __init__(self, database: SearchDatabase) -> None:
        self._database = database

    def create(self, index: str, *, loading: bool = False) -> bool:  # noqa: ARG002  loading makes no difference
        with self._database.write() as connection:
            if _find(connection, index) is not None:
                return False
            connection.execute("INSERT INTO indices (name) VALUES (?)", (index,))
            return True

    def serve(self, index: str, timeout_s: float) -> bool:
        """Return True if the index exists: there is only one copy, and committed documents are visible."""
        self._require_exists(index, timeout_s)
        return True

    def reclaim(self, index: str) -> None:
        """Do nothing if the index exists: SQLite reuses the space of removed documents for the next writes."""
        self._require_exists(index, _INFO_TIMEOUT_S)

    def _require_exists(self, index: str, timeout_s: float) -> None:
        with self._database.read(timeout_s) as connection:
            require_index(connection, index)

    def drop(self, index: str) -> None:
        with self._database.write() as connection:
            index_id = _find(connection, index)
            if index_id is not None:
                connection.execute("UPDATE indices SET dropped = 1 WHERE id = ?", (index_id,))
                connection.execute("DELETE FROM write_aliases WHERE index_id = ?", (index_id,))
                connection.execute("DELETE FROM read_filters WHERE index_id = ?", (index_id,))
        # This also removes what an interrupted drop left behind.
        while self._remove_dropped_batch():
            pass

    def _remove_dropped_batch(self) -> bool:
        """Remove up to `_DROP_BATCH` documents of dropped indices. Return False if there were none left."""
        with self._database.write() as connection:
            docs = connection.execute(
                "SELECT doc FROM documents WHERE index_id IN (SELECT id FROM indices WHERE dropped = 1) LIMIT ?",
                (_DROP_BATCH,),
            ).fetchall()
            if not docs:
                connection.execute("DELETE FROM indices WHERE dropped = 1")
                return False
            remove_documents(connection, [doc for (doc,) in docs])
            return True

    def change_aliases(self, change: AliasChange) -> bool:
        with self._database.write() as connection:
            removed = [(require_index(connection, index), alias) for index, alias in change.remove_write]
            added = [(require_index(connection, index), alias) for index, alias in change.add_write]
            filters = [(require_index(connection, f.index), f.start_ms, f.end_ms) for f in change.set_read]
            hidden = [(require_index(connection, index),) for index in change.remove_read]
            exists = "SELECT 1 FROM write_aliases WHERE index_id = ? AND alias = ?"
            if not all(connection.execute(exists, pair).fetchone() for pair in removed):
                return False
            connection.executemany("DELETE FROM write_aliases WHERE index_id = ? AND alias = ?", removed)
            connection.executemany("INSERT OR REPLACE INTO write_aliases (index_id, alias) VALUES (?, ?)", added)
            connection.executemany("DELETE FROM read_filters WHERE index_id = ?", hidden)
            connection.executemany("INSERT OR REPLACE INTO read_filters VALUES (?, ?, ?)", filters)
            return True

    def block(self, index: str) -> None:
        self._set_blocked(index, True)

    def unblock(self, index: str) -> None:
        self._set_blocked(index, False)

    def _set_blocked(self, index: str, blocked: bool) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE indices SET blocked = ? WHERE id = ?", (blocked, require_index(connection, index))
            )

    def refresh(self, indices: Sequence[str]) -> None:
        """Do nothing: committed documents are visible."""

    def info(self) -> list[IndexInfo]:
        with self._database.read(_INFO_TIMEOUT_S) as connection:
            aliases: dict[int, list[str]] = {}
            for alias, index_id in connection.execute("SELECT alias, index_id FROM write_aliases ORDER BY alias"):
                aliases.setdefault(index_id, []).append(alias)
            filters = {
                row[0]: row[1:] for row in connection.execute("SELECT index_id, start_ms, end_ms FROM read_filters")
            }
            rows = connection.execute(
                "SELECT id, name, blocked, documents, bytes FROM indices WHERE dropped = 0 ORDER BY name"
            ).fetchall()
        return [
            IndexInfo(
                index=name,
                write_aliases=tuple(aliases.get(index_id, ())),
                read=ReadFilter(name, *filters[index_id]) if index_id in filters else None,
                blocked=bool(blocked),
                documents=documents,
                bytes=size,
            )
            for index_id, name, blocked, documents, size in rows
        ]

    def searched(self) -> frozenset[str]:
        query = "SELECT name FROM indices JOIN read_filters ON read_filters.index_id = indices.id WHERE dropped = 0"
        with self._database.read(_SEARCHED_TIMEOUT_S) as connection:
            return frozenset(name for (name,) in connection.execute(query))


def _find(connection: sqlite3.Connection, index: str) -> int | None:
    rows = connection.execute("SELECT id FROM indices WHERE name = ? AND dropped = 0", (index,))
    return next((int(index_id) for (index_id,) in rows), None)


def require_index(connection: sqlite3.Connection, index: str) -> int:
    """Return the number of the index.

    :raises NotFound: the index does not exist.
    """
    index_id = _find(connection, index)
    if index_id is None:
        raise NotFound(f"there is no index {index!r}")
    return index_id
