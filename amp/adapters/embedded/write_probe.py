"""Finds out whether a SQLite file takes writes, by writing to it."""

import sqlite3
import time

#: More than the largest asset takes. Where this finds room, so did the write that failed before.
_LARGE_BYTES = 4 * 1024 * 1024
#: Primary result codes that say that the file, not the statement, is at fault.
_FILE_FAULTS = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}


class WriteProbe:
    """One probe row of a file; used only by whoever holds the file's write lock.

    A small write may still succeed where others fail, as the file need not grow for it. So after a failure the row is
    a large one, until that is committed.
    """

    def __init__(self) -> None:
        self._failed = False

    def note(self, error: BaseException) -> None:
        """A write transaction ended with this error."""
        if isinstance(error, sqlite3.Error):
            # An error of the module itself has no code.
            self._failed |= (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _FILE_FAULTS

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the row, within the caller's transaction."""
        connection.execute(
            "REPLACE INTO health_probes (name, probed_ms, content) VALUES ('readiness', ?, zeroblob(?))",
            (time.time_ns() // 1_000_000, _LARGE_BYTES if self._failed else 0),
        )

    def succeeded(self) -> None:
        """The row was committed."""
        self._failed = False
