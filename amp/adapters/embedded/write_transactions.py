"""The write transactions of one SQLite file: one at a time, counted for the pairing, and probed by readiness checks."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from amp.adapters.embedded.paired_file import PairedFile
from amp.errors import NotMigrated

#: Primary result codes that report a fault of the file, not of the statement.
_FILE_FAULTS = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
#: Default size of the content of the largest request that is written in one transaction, in bytes.
MAX_WRITE_BYTES = 16 * 1024 * 1024
#: Maximum size of a probe, in bytes, so that readiness checks never fill the disk, whatever size is configured.
_MAX_PROBE_BYTES = 64 * 1024 * 1024


class WriteTransactions:
    """Runs the write transactions. Hold `lock` while you use it, except for `probe`."""

    def __init__(self, paired: PairedFile, max_write_bytes: int) -> None:
        """:param max_write_bytes: size of the content of the largest request that is written in one transaction."""
        self.lock = threading.Lock()
        self._paired = paired
        self._probe_bytes = min(max_write_bytes, _MAX_PROBE_BYTES)
        self._has_failed = False

    @contextlib.contextmanager
    def run(self, connection: sqlite3.Connection, *, durable: bool = True) -> Iterator[None]:
        """Commit at the end of the block, or roll back if the block raises an exception."""
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
        """Commit the one probe row through `transaction`. If another write has been in progress for `timeout_s`, return
        without a probe.

        A small write may succeed when larger ones fail, because the file need not grow for it. Therefore, after a
        failure, each probe first writes as much as the largest request, up to 64 MiB, and rolls it back, until this
        succeeds.
        """
        if not self.lock.acquire(timeout=timeout_s):
            return
        try:
            # Before the first migration there is no table to write to.
            with contextlib.suppress(NotMigrated):
                with transaction() as connection:
                    if self._has_failed:
                        _write_and_undo(connection, self._probe_bytes)
                    _write_row(connection, 0)
                self._has_failed = False
        finally:
            self.lock.release()


def _write_and_undo(connection: sqlite3.Connection, size: int) -> None:
    """Write a row of this size and roll it back. If it were committed, it would take the space of the writes that it
    stands for. So only the log grows, and only once.
    """
    [cache_size] = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute("PRAGMA cache_size = 10")  # pages that do not fit are written to the log before the commit
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
    # Errors that the module itself raises have no code.
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _FILE_FAULTS
