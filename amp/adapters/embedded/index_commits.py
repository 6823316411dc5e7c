"""Connects the search index with the store: it tells an index that is older than what the store says of it."""

import sqlite3


class IndexCommits:
    """Transactions that the search index has committed. It counts them, and each transaction of the store records the
    count, so that an index that counts less than the store has recorded is an older one. A crash makes none: what the
    store records was committed before.
    """

    def __init__(self) -> None:
        #: The last one that was committed durably; 0: none by this process.
        self.number = 0
        self._recorded = 0

    def record(self, store: sqlite3.Connection) -> int:
        """Within a transaction of the store; returns what `recorded` is to be told after its commit."""
        number = self.number
        if number > self._recorded:
            store.execute("UPDATE index_commits SET number = max(number, ?)", (number,))
        return number

    def recorded(self, number: int) -> None:
        self._recorded = number


def count_commit(index: sqlite3.Connection) -> int:
    """Within each transaction of the index; 0: before the first migration nothing is counted."""
    if not _has_table(index, "commits"):
        return 0
    return int(index.execute("UPDATE commits SET number = number + 1 RETURNING number").fetchone()[0])


def begin_count(index: sqlite3.Connection, recorded: int) -> None:
    """A new index goes on counting where a former one was."""
    index.execute("UPDATE commits SET number = max(number, ?)", (recorded,))


def lag_of(index: sqlite3.Connection, recorded: int) -> int:
    """How many transactions are missing from an index, in which there is something to search."""
    if not _has_table(index, "indices"):
        return 0
    [number] = index.execute("SELECT number FROM commits").fetchone() if _has_table(index, "commits") else [0]
    return max(0, recorded - int(number))


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None
