"""Recognises a `search.db` that does not match the `store.db` beside it, because one of them was restored or lost."""

import secrets
from contextlib import suppress

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.paired_file import PairingRow, read_pairing, write_pairing
from amp.adapters.embedded.search_database import SearchDatabase
from amp.errors import NotMigrated, SearchUnavailable, StoreUnavailable

_TIMEOUT_S = 2.0


class Pairing:
    """A new index is paired with the store: both files get the same random id. From then on each counts its
    transactions, and records how many of the other's were durable before.

    So a file that has counted fewer than the other one has recorded lacks transactions: it was restored, copied, or
    lost its `-wal` file. A crash never looks like that, as only what is durable is recorded. A process that finds files
    that do not match counts nothing, so that they do not match for the next one either.
    """

    def __init__(self, store: Database, index: SearchDatabase) -> None:
        self._store = store
        self._index = index

    @property
    def is_joined(self) -> bool:
        """The files match, and this process counts what it writes."""
        return self._store.paired.is_counted

    def join(self) -> None:
        """Count from now on if the files match. Call it before anything else is written."""
        with suppress(NotMigrated, StoreUnavailable, SearchUnavailable):
            store, index = self._rows()
            if index.transactions > 0 and _fault(store, index) is None:
                self._follow()

    def pair(self) -> None:
        """Count from now on. Call it when both files are migrated and the index has no `fault`.

        :raises Retryable: a file cannot be read or written.
        """
        if self.is_joined:
            return
        _, index = self._rows()
        if index.transactions == 0:
            self._renew()
        self._follow()

    def fault(self) -> str | None:
        """What is wrong with the index; None: it matches, it is new, or it is not migrated yet.

        :raises Retryable: a file cannot be read.
        """
        if self.is_joined:
            return None
        try:
            store, index = self._rows()
        except NotMigrated:
            return None
        return None if index.transactions == 0 else _fault(store, index)

    def leave(self) -> None:
        """Count nothing any more: the index is set aside."""
        self._index.paired.unfollow()
        self._store.paired.unfollow()

    def _renew(self) -> None:
        """Pair a new index. After a crash between the two commits it is a new one still."""
        pairing_id = secrets.token_bytes(16)
        with self._index.write() as connection:
            write_pairing(connection, pairing_id)
        with self._store.writing() as connection:
            write_pairing(connection, pairing_id)

    def _follow(self) -> None:
        self._store.paired.follow(self._index.paired)
        self._index.paired.follow(self._store.paired)
        # Makes known that all that the store committed before is durable.
        with self._store.writing():
            pass

    def _rows(self) -> tuple[PairingRow, PairingRow]:
        """:raises NotMigrated: a file has none."""
        with self._store.reading() as connection:
            store = read_pairing(connection)
        with self._index.read(_TIMEOUT_S) as connection:
            return store, read_pairing(connection)


def _fault(store: PairingRow, index: PairingRow) -> str | None:
    if store.id != index.id:
        return "does not belong to store.db: one of them was restored or copied"
    if missing := max(0, store.seen - index.transactions):
        return f"is older than store.db: its last {missing} transactions are missing"
    if missing := max(0, index.seen - store.transactions):
        return f"is newer than store.db, whose last {missing} transactions are missing"
    return None
