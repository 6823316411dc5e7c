"""Counts the transactions of one of the two files, `store.db` and `search.db`, for `Pairing`."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairingRow:
    """The pairing that one file records: its own transactions and those of the other file."""

    id: bytes  #: the same in both files of a pair
    transactions: int  #: number of transactions committed in this file since the two were paired
    seen: int  #: number of the other file's transactions that were durable when this file last recorded them


class PairedFile:
    """The pairing row of one file. Nothing is counted until `follow` is called."""

    def __init__(self) -> None:
        self._other: PairedFile | None = None
        #: Number of the last transaction that this process has durably committed in this file; 0: none yet.
        self._durable = 0
        #: The `seen` that this process last committed.
        self._recorded = 0

    @property
    def is_counted(self) -> bool:
        return self._other is not None

    def follow(self, other: "PairedFile") -> None:
        """Count from now on, and record what `other` has committed."""
        self._other = other

    def unfollow(self) -> None:
        """Count nothing until `follow` is called again."""
        self._other, self._durable, self._recorded = None, 0, 0

    def count(self, connection: sqlite3.Connection, *, durable: bool) -> PairingRow | None:
        """Count the write transaction that is about to be committed, and return the row for `committed`. None: it is
        not counted. Call this at the end of each write transaction, and `committed` after its commit.
        """
        if self._other is None:
            return None
        seen = self._other._durable
        if not durable and seen == self._recorded:
            return None
        update = "UPDATE pairings SET transactions = transactions + 1, seen = max(seen, ?) RETURNING *"
        return PairingRow(*connection.execute(update, (seen,)).fetchone())

    def committed(self, row: PairingRow | None, *, durable: bool) -> None:
        """Record that the transaction for which `count` returned `row` is committed."""
        if row is not None:
            self._recorded = row.seen
            if durable:
                self._durable = row.transactions


def read_pairing(connection: sqlite3.Connection) -> PairingRow:
    return PairingRow(*connection.execute("SELECT * FROM pairings").fetchone())


def write_pairing(connection: sqlite3.Connection, pairing_id: bytes) -> None:
    """Store a new pairing id and count from 0 again, within the caller's transaction."""
    connection.execute("UPDATE pairings SET id = ?, transactions = 0, seen = 0", (pairing_id,))
