"""Counts the transactions of one of the two files, `store.db` and `search.db`, for `Pairing`."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairingRow:
    """What a file says of itself and of the other one."""

    id: bytes  #: the same in both files of a pair
    transactions: int  #: committed in this file since the two are paired
    seen: int  #: transactions of the other file that were durable when this file last recorded them


class PairedFile:
    """The pairing row of one file. Nothing is counted until `follow` is called."""

    def __init__(self) -> None:
        self._other: PairedFile | None = None
        #: The last transaction of this file that this process has committed durably; 0: none yet.
        self._durable = 0
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
        """Call at the end of each write transaction, and `committed` with the result once it is committed."""
        if self._other is None:
            return None
        seen = self._other._durable
        if not durable and seen == self._recorded:
            return None
        update = "UPDATE pairings SET transactions = transactions + 1, seen = max(seen, ?) RETURNING *"
        return PairingRow(*connection.execute(update, (seen,)).fetchone())

    def committed(self, row: PairingRow | None, *, durable: bool) -> None:
        if row is not None:
            self._recorded = row.seen
            if durable:
                self._durable = row.transactions


def read_pairing(connection: sqlite3.Connection) -> PairingRow:
    return PairingRow(*connection.execute("SELECT * FROM pairings").fetchone())


def write_pairing(connection: sqlite3.Connection, pairing_id: bytes) -> None:
    """Begin to count anew, within the caller's transaction."""
    connection.execute("UPDATE pairings SET id = ?, transactions = 0, seen = 0", (pairing_id,))
