"""The search database of the embedded set: one SQLite file, many readers beside one writer."""

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
#: The deadline of a search is looked at once in so many steps of SQLite's machine (about a millisecond).
_STEPS_PER_LOOK = 20_000


@contextmanager
def search_errors() -> Iterator[None]:
    """Translates what SQLite raises because of the file or the time; what is wrong with a statement goes through."""
    try:
        yield
    except sqlite3.OperationalError as e:
        if "no such table" in str(e):
            raise NotMigrated("the search index does not exist yet: run `amp migrate`") from e
        raise SearchUnavailable(f"the search index does not answer: {e}") from e
    except sqlite3.DatabaseError as e:
        # The exact class says that the file itself is at fault; its subclasses are ours.
        if type(e) is not sqlite3.DatabaseError:
            raise
        raise SearchUnavailable(f"the search index cannot be read: {e}") from e


class SearchDatabase:
    """Connections to `<folder>/search.db`, for any number of threads."""

    def __init__(self, folder: Path, *, max_write_bytes: int = MAX_WRITE_BYTES) -> None:
        """:param max_write_bytes: content of the largest request that is written at once."""
        self.path = folder / "search.db"
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._opened: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self.paired = PairedFile()
        self._writes = WriteTransactions(self.paired, max_write_bytes)
        self._opening = threading.Lock()
        self._closed = False
        #: Of the files that the connections are open on; None: none is.
        self._files: tuple[tuple[int, int] | None, ...] | None = None
        self.removals = SearchRemovals()  #: known to all who write

    @contextmanager
    def read(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the database; it may fill its temporary table `matches`.

        :raises NotMigrated: there is no file, and none is made.
        :raises SearchUnavailable: what is done with it takes longer than `timeout_s`, or the file can't be read or was
            removed.
        """
        with search_errors():
            self._check_files()
            if self._files is None and not self.path.exists():
                raise NotMigrated(f"the search index {self.path} does not exist: run `amp migrate`")
            connection = self._reader()
            deadline = time.monotonic() + timeout_s
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_PER_LOOK)
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
        """A connection in a transaction that is committed at the end, durably, or undone if anything is raised.

        :raises SearchUnavailable: the file can't be written, or was removed.
        """
        with self._writes.lock, self._transaction() as connection:
            yield connection

    def probe(self, timeout_s: float) -> None:
        """Return if a write is committed now, or if one is under way for `timeout_s`.

        :raises SearchUnavailable: it is not committed.
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
        """What is wrong with the file; None: nothing that shows within a moment, or there is none."""
        return damage_of(self.path)

    def set_aside(self) -> Path:
        """Rename the file, for a new one to take its place; searches and writes under way must have ended."""
        with self._writes.lock, self._opening:
            self._close_all()
            # The file itself first: without its log it might be taken for a sound one.
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            aside = self.path.with_name(f"{self.path.name}.set-aside-{stamp}")
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
            return aside

    def close(self) -> None:
        """Close every connection; searches and writes under way must have ended."""
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
        """Connections would go on with files that were removed; new ones would make an empty database beside."""
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
                # Only before the first connection: whoever closes a file loses all locks that the process has on it,
                # SQLite's too (POSIX).
                _make_private(self.path)
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._opened.append(connection)
            _write_ahead(connection)
            if self._files is None:
                # Makes the write-ahead log.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                self._files = file_identities(self.path)
        # A put that was answered must survive a power cut: the queue will not bring it again.
        connection.execute("PRAGMA synchronous = FULL")
        # A batch of documents changes thousands of pages: not all of them are to be written twice at once.
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
    """SQLite does not wait where two switch a new file at once, as both might wait for each other: one is refused."""
    connection.execute("PRAGMA journal_mode = WAL")
