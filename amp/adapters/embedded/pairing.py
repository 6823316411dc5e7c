"""Detects a `search.db` that does not match the `store.db` beside it because one of them was restored or lost."""

import secrets
from contextlib import suppress

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.paired_file import PairingRow, read_pairing, write_pairing
from amp.adapters.embedded.search_database import SearchDatabase
from amp.errors import NotMigrated, SearchUnavailable, StoreUnavailable

_TIMEOUT_S = 2.0


class Pairing:
    """Pairs a new index with the store: both files get the same random id. From then on, each file counts its own
    transactions and records how many transactions of the other file were durable before.

    If a file has counted fewer transactions than the other file has recorded, it lacks some: it was restored, was
    copied or lost its `-wal` file. A crash never has this effect, because only durable transactions are recorded. A
    process that finds a mismatch counts nothing, so that the next process finds the mismatch too.
    """

    def __init__(self, store: Database, index: SearchDatabase) -> None:
        self._store = store
        self._index = index

    @property
    def is_joined(self) -> bool:
        """Whether the files match and this process counts its transactions."""
        return self._store.paired.is_counted

    def join(self) -> None:
        """Start counting if the files match. Call this before anything else is written."""
        with suppress(NotMigrated, StoreUnavailable, SearchUnavailable):
            store, index = self._rows()
            if index.transactions > 0 and _mismatch(store, index) is None:
                self._follow()

    def pair(self) -> None:
        """Start counting. Call this when both files are migrated and `fault` returns None.

        :raises Retryable: a file cannot be read or written.
        """
        if self.is_joined:
            return
        _, index = self._rows()
        if index.transactions == 0:
            self._write_new_id()
        self._follow()

    def fault(self) -> str | None:
        """Return what is wrong with the index. None: it matches the store, is new, or is not migrated yet.

        :raises Retryable: a file cannot be read.
        """
        if self.is_joined:
            return None
        try:
            store, index = self._rows()
        except NotMigrated:
            return None
        return None if index.transactions == 0 else _mismatch(store, index)

    def leave(self) -> None:
        """Stop counting, because the index is set aside."""
        self._index.paired.unfollow()
        self._store.paired.unfollow()

    def _write_new_id(self) -> None:
        """Pair a new index with the store. After a crash between the two commits, the index still counts as new."""
        pairing_id = secrets.token_bytes(16)
        with self._index.write() as connection:
            write_pairing(connection, pairing_id)
        with self._store.writing() as connection:
            write_pairing(connection, pairing_id)

    def _follow(self) -> None:
        self._store.paired.follow(self._index.paired)
        self._index.paired.follow(self._store.paired)
        # This durable commit lets the index record that everything the store committed before is durable.
        with self._store.writing():
            pass

    def _rows(self) -> tuple[PairingRow, PairingRow]:
        """Return the pairing rows of the store and of the index.

        :raises NotMigrated: a file has no pairing row.
        """
        with self._store.reading() as connection:
            store = read_pairing(connection)
        with self._index.read(_TIMEOUT_S) as connection:
            return store, read_pairing(connection)


def _mismatch(store: PairingRow, index: PairingRow) -> str | None:
    if store.id != index.id:
        return "does not belong to store.db: one of them was restored or copied"
    if missing := max(0, store.seen - index.transactions):
        return f"is older than store.db: its last {missing} transactions are missing"
    if missing := max(0, index.seen - store.transactions):
        return f"is newer than store.db, whose last {missing} transactions are missing"
    return None
