"""The write transactions of one SQLite file: one at a time, counted for its pairing, and tried by readiness checks."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from amp.adapters.embedded.paired_file import PairedFile
from amp.errors import NotMigrated

#: Primary result codes that say that the file, not the statement, is at fault.
_FILE_FAULTS = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
#: Content of the largest request that is written in one transaction, if nothing else is set.
MAX_WRITE_BYTES = 16 * 1024 * 1024
#: Readiness checks are not to fill the disk themselves, whatever size is configured.
_MAX_PROBE_BYTES = 64 * 1024 * 1024


class WriteTransactions:
    """Used with `lock` held, but for `probe`."""

    def __init__(self, paired: PairedFile, max_write_bytes: int) -> None:
        """:param max_write_bytes: content of the largest request that is written in one transaction."""
        self.lock = threading.Lock()
        self._paired = paired
        self._probe_bytes = min(max_write_bytes, _MAX_PROBE_BYTES)
        self._has_failed = False

    @contextlib.contextmanager
    def run(self, connection: sqlite3.Connection, *, durable: bool = True) -> Iterator[None]:
        """Commit at the end of the block, or roll back if anything is raised."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            counted = self._paired.count(connection, durable=durable)
            connection.execute("COMMIT")
            self._paired.committed(counted, durable=durable)
        except BaseException as e:
            self._has_failed |= _is_file_fault(e)
            if connection.in_transaction:  # SQLite ends it by itself after some errors
                connection.execute("ROLLBACK")
            raise

    def probe(self, timeout_s: float, transaction: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        """Commit the one probe row, through `transaction`. Return at once if a write is under way for `timeout_s`.

        A small write may succeed where others fail, as the file need not grow for it. So after a failure as much as the
        largest request, up to 64 MiB, is written and undone first, until that succeeds.
        """
        if not self.lock.acquire(timeout=timeout_s):
            return
        try:
            # Before the first migration there is nothing to write to.
            with contextlib.suppress(NotMigrated):
                with transaction() as connection:
                    if self._has_failed:
                        _write_and_undo(connection, self._probe_bytes)
                    _write_row(connection, 0)
                self._has_failed = False
        finally:
            self.lock.release()


def _write_and_undo(connection: sqlite3.Connection, size: int) -> None:
    """What is committed would take the space from the writes that it is tried for; so only the log grows, once."""
    [cache_size] = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute("PRAGMA cache_size = 10")  # what does not fit in is written to the log before the commit
    try:
        connection.execute("SAVEPOINT probe")
        _write_row(connection, size)
        connection.execute("ROLLBACK TO probe")
        connection.execute("RELEASE probe")
    finally:
        connection.execute(f"PRAGMA cache_size = {cache_size}")


def _write_row(connection: sqlite3.Connection, size: int) -> None:
    connection.execute(
        "REPLACE INTO health_probes (name, probed_ms, content) VALUES ('readiness', ?, zeroblob(?))",
        (time.time_ns() // 1_000_000, size),
    )


def _is_file_fault(error: BaseException) -> bool:
    # An error of the module itself has no code.
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _FILE_FAULTS
