"""The search database of the embedded profile: one SQLite file with many readers and one writer."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from amp.adapters.embedded.database_files import file_identities
from amp.adapters.embedded.integrity import damage_of
from amp.adapters.embedded.paired_file import PairedFile
from amp.adapters.embedded.search_removals import SearchRemovals
from amp.adapters.embedded.write_transactions import MAX_WRITE_BYTES, WriteTransactions
from amp.errors import NotMigrated, SearchUnavailable
from amp.private_files import make_private

_BUSY_TIMEOUT_S = 5.0
_READER_CACHE_KIB = 8 * 1024
_WRITER_CACHE_KIB = 64 * 1024
_CHECKPOINT_PAGES = 8_000
#: The deadline of a search is checked once per this number of steps of SQLite's virtual machine (about a millisecond).
_STEPS_PER_DEADLINE_CHECK = 20_000


@contextmanager
def search_errors() -> Iterator[None]:
    """Translate the errors of SQLite that are due to the file or to a timeout. Errors of a statement pass unchanged.

    :raises NotMigrated: the tables do not exist.
    :raises SearchUnavailable: the database does not answer or cannot be read.
    """
    try:
        yield
    except sqlite3.OperationalError as e:
        if "no such table" in str(e):
            raise NotMigrated("the search index does not exist yet: run `amp migrate`") from e
        raise SearchUnavailable(f"the search index does not answer: {e}") from e
    except sqlite3.DatabaseError as e:
        # The class itself stands for a fault of the file. Its subclasses stand for faults of our statements.
        if type(e) is not sqlite3.DatabaseError:
            raise
        raise SearchUnavailable(f"the search index cannot be read: {e}") from e


class SearchDatabase:
    """Connections to `<folder>/search.db`, for any number of threads."""

    def __init__(self, folder: Path, *, max_write_bytes: int = MAX_WRITE_BYTES) -> None:
        """:param max_write_bytes: size of the content of the largest request that is written at once."""
        self.path = folder / "search.db"
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._opened: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self.paired = PairedFile()
        self._writes = WriteTransactions(self.paired, max_write_bytes)
        self._opening = threading.Lock()
        self._closed = False
        #: Identities of the files that the connections have open; None: no connection is open.
        self._files: tuple[tuple[int, int] | None, ...] | None = None
        self.removals = SearchRemovals()  #: shared by all writers

    @contextmanager
    def read(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        """Provide a connection that sees one snapshot of the database. Its temporary table `matches` may be written.

        :raises NotMigrated: the file does not exist; it is not created.
        :raises SearchUnavailable: the block takes longer than `timeout_s`, or the file cannot be read or was removed.
        """
        with search_errors():
            self._check_files()
            if self._files is None and not self.path.exists():
                raise NotMigrated(f"the search index {self.path} does not exist: run `amp migrate`")
            connection = self._reader()
            deadline = time.monotonic() + timeout_s
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_PER_DEADLINE_CHECK)
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.set_progress_handler(None, 0)
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._idle_readers.append(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Provide a connection in a transaction. It is committed durably at the end of the block, or rolled back if the
        block raises an exception.

        :raises SearchUnavailable: the file cannot be written or was removed.
        """
        with self._writes.lock, self._transaction() as connection:
            yield connection

    def probe(self, timeout_s: float) -> None:
        """Try a small write. Return normally if it succeeds, or if another write has been in progress for `timeout_s`.

        :raises SearchUnavailable: the write fails.
        """
        self._writes.probe(timeout_s, self._transaction)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with search_errors():
            self._check_files()
            if self._writer is None or self._closed:
                self._writer = self._open(_WRITER_CACHE_KIB)
            connection = self._writer
            with self._writes.run(connection):
                yield connection
            self._check_files()

    def damage(self) -> str | None:
        """Return what is damaged in the file. None: a short check finds no damage, or the file does not exist."""
        return damage_of(self.path)

    def set_aside(self) -> Path:
        """Rename the file, so that a new one can replace it, and return the new path. No search or write may be in
        progress.
        """
        with self._writes.lock, self._opening:
            self._close_all()
            # The file itself is renamed first: without its log it might look undamaged.
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            aside = self.path.with_name(f"{self.path.name}.set-aside-{stamp}")
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
            return aside

    def close(self) -> None:
        """Close every connection. No search or write may be in progress."""
        with self._writes.lock, self._opening:
            self._closed = True
            self._close_all()

    def _close_all(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._idle_readers.clear()
        self._writer = None
        self._files = None

    def _check_files(self) -> None:
        """Raise an exception if the files were removed or replaced. Open connections would continue to use the removed
        files, and new connections would create an empty database in their place.
        """
        if self._files not in (None, file_identities(self.path)):
            raise SearchUnavailable(f"{self.path} was removed or replaced while in use; restart the server")

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            connection = self._open(_READER_CACHE_KIB)
            connection.execute("CREATE TEMP TABLE matches (doc INTEGER PRIMARY KEY)")
            return connection

    def _open(self, cache_kib: int) -> sqlite3.Connection:
        with self._opening:
            if self._closed:
                raise SearchUnavailable("the search index is closed")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._files is None:
                # Only before the first connection: closing a file releases all locks of the process on it, including
                # those of SQLite (POSIX).
                _make_private(self.path)
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._opened.append(connection)
            _write_ahead(connection)
            if self._files is None:
                # Creates the write-ahead log.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                self._files = file_identities(self.path)
        # A confirmed put must survive a power loss, because the queue does not deliver its message again.
        connection.execute("PRAGMA synchronous = FULL")
        # A batch of documents changes thousands of pages. They should not all be checkpointed, and so written a second
        # time, at once.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        return connection


def _make_private(path: Path) -> None:
    try:
        make_private(path)
    except OSError as e:
        raise SearchUnavailable(f"the search index cannot be opened: {path.name}: {e.strerror}") from e


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


@retry(
    retry=retry_if_exception(_is_busy),
    wait=wait_random(0.001, 0.02),
    stop=stop_after_delay(_BUSY_TIMEOUT_S),
    reraise=True,
)
def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging. If two connections switch a new file at once, SQLite refuses one instead
    of letting it wait, because the two could wait for each other.
    """
    connection.execute("PRAGMA journal_mode = WAL")
