"""One SQLite file in the data folder, locked by one process, with one writer at a time and any number of readers."""

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from amp.adapters.embedded.database_files import file_identities, file_identity
from amp.adapters.embedded.integrity import damage_of
from amp.adapters.embedded.paired_file import PairedFile
from amp.adapters.embedded.queue_board import QueueBoard
from amp.adapters.embedded.write_transactions import MAX_WRITE_BYTES, WriteTransactions
from amp.data_folder import LOCK_FILE
from amp.errors import BadSetting, DataDirLocked, NoData, NotMigrated, Retryable, StoreUnavailable
from amp.main_process import main_process_id
from amp.private_files import make_private, make_private_if_there
from amp.settings import variable

_BUSY_TIMEOUT_S = 5.0
#: Minimum free disk space, in bytes. With less than this, the next write may not fit.
_MIN_FREE_BYTES = 16 * 1024 * 1024
#: Patterns of the files that AMP creates in the folder. SQLite's `-wal` and `-shm` get the mode of their database.
_FILES = ("store.db*", "search.db*", "server.url*")


class Database:
    """`store.db` in a data folder, which no other process can use at the same time. Threads may share it.

    A committed write survives a power loss (`synchronous=FULL`), unless the writer waived that.
    """

    def __init__(self, folder: Path, *, create: bool = True, max_write_bytes: int = MAX_WRITE_BYTES) -> None:
        """:param max_write_bytes: size of the content of the largest request that is written at once.
        :raises BadSetting: the folder or the file in it cannot be used.
        :raises NoData: the folder has no store, and `create` is False.
        :raises DataDirLocked: another process has locked the folder.
        """
        self.path = folder / "store.db"
        try:
            if not create:
                _require_data(self.path)
        except OSError as e:
            raise _unusable(folder, e) from e
        self._lock_file = _lock_folder(folder)
        try:
            _prepare_files(self.path)
            _require_undamaged(self.path)
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode=WAL")
            # Fails now, and not at the first write, if the file can be read but not written.
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.execute("ROLLBACK")
        except sqlite3.Error as e:
            self._lock_file.close()
            raise BadSetting(f"{variable('data_dir')}={str(folder)!r}: {self.path.name}: {e}") from e
        except BadSetting:
            self._lock_file.close()
            raise
        except OSError as e:
            self._lock_file.close()
            raise BadSetting(
                f"{variable('data_dir')}={str(folder)!r}: {e.filename or self.path.name}: {e.strerror}"
            ) from e
        self._files = file_identities(self.path)
        self._lock_path = folder / LOCK_FILE
        self._lock_identity = file_identity(self._lock_path)
        self.paired = PairedFile()
        self._writes = WriteTransactions(self.paired, max_write_bytes)
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        #: Shared by all users of the queue in this file.
        self.queue_board = QueueBoard()

    @contextlib.contextmanager
    def reading(self, unavailable: type[Retryable] = StoreUnavailable) -> Iterator[sqlite3.Connection]:
        """Provide a connection for reads that no other thread uses. Each statement sees everything that was committed
        before it.

        :raises NotMigrated: the tables do not exist.
        :raises Retryable: SQLite cannot answer. The class of the exception is `unavailable`.
        """
        with _translated(unavailable):
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = self._connect()
                connection.execute("PRAGMA query_only=ON")
            try:
                if self._closed:
                    raise unavailable("the data folder is closed")
                yield connection
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle_readers.append(connection)

    @contextlib.contextmanager
    def writing(
        self, unavailable: type[Retryable] = StoreUnavailable, *, durable: bool = True
    ) -> Iterator[sqlite3.Connection]:
        """Provide a connection in the one write transaction. It is committed at the end of the block, or rolled back if
        the block raises an exception.

        If `durable` is False, a power loss may undo this transaction and others that were not durable since the last
        durable one, but none before it. A crash of the process undoes nothing.

        :raises NotMigrated: the tables do not exist.
        :raises Retryable: SQLite cannot answer. The class of the exception is `unavailable`. Nothing was written,
            unless the commit failed or the file was replaced during the block; then the outcome is unknown.
        """
        with self._writes.lock, self._transaction(unavailable, durable) as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self, unavailable: type[Retryable], durable: bool) -> Iterator[sqlite3.Connection]:
        with _translated(unavailable):
            if self._closed:
                raise unavailable("the data folder is closed")
            self._check_file(unavailable)
            connection = self._writer
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with self._writes.run(connection, durable=durable):
                yield connection
            self._check_file(unavailable)

    def probe(self, timeout_s: float) -> None:
        """Try a small write. Return normally if it succeeds, or if another write has been in progress for `timeout_s`.

        :raises StoreUnavailable: the write fails: the disk is full, or the file is missing or not writable.
        """
        self._check_file(StoreUnavailable)
        space = os.statvfs(self.path.parent)
        free = space.f_bavail * space.f_frsize
        if free < _MIN_FREE_BYTES:
            raise StoreUnavailable(f"the disk of the data folder {self.path.parent} is full: {free:,} bytes are left")
        self._writes.probe(timeout_s, lambda: self._transaction(StoreUnavailable, durable=True))

    def close(self) -> None:
        """Wait for the write in progress, then release the folder. Calling it again does nothing."""
        with self._writes.lock:
            if self._closed:
                return
            self._closed = True
            while self._idle_readers:
                self._idle_readers.pop().close()
            self._writer.close()
            self._lock_file.close()

    def _check_file(self, unavailable: type[Retryable]) -> None:
        """Raise `unavailable` if a file was removed or replaced. SQLite would continue to write to a removed file, and
        every write would be lost when the process ends.
        """
        if file_identities(self.path) != self._files:
            raise unavailable(f"{self.path} was removed or replaced while in use; restart the server")
        # Without the lock file, another process could use the folder.
        if file_identity(self._lock_path) != self._lock_identity:
            raise unavailable(f"{self._lock_path} was removed or replaced while in use; restart the server")

    def _connect(self) -> sqlite3.Connection:
        # Transactions are begun and ended explicitly. A connection may move between threads, one thread at a time.
        return sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _lock_folder(folder: Path) -> TextIO:
    """Lock `folder` until the returned file is closed. When the process ends, the kernel releases the lock."""
    try:
        _create_folder(folder)
        make_private(folder / LOCK_FILE)
        lock = open(folder / LOCK_FILE, "a+")  # noqa: SIM115 - stays open as long as the folder is locked
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        lock.seek(0)
        holder = lock.read(32)
        lock.close()
        raise DataDirLocked(f"the data folder {folder} is in use by process {holder or '(unknown)'}") from e
    except OSError as e:
        raise _unusable(folder, e) from e
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        lock.close()
        raise _unusable(folder, OSError(errno.EACCES, "the folder is not writable"))
    lock.truncate(0)
    lock.write(str(main_process_id()))
    lock.flush()
    return lock


def _unusable(folder: Path, error: OSError) -> BadSetting:
    return BadSetting(f"{variable('data_dir')}={str(folder)!r} cannot be used as a data folder: {error.strerror}")


def _create_folder(folder: Path) -> None:
    """Create the folder if it does not exist. An existing folder keeps its mode, which may be deliberate. Its files are
    private either way.
    """
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _prepare_files(database: Path) -> None:
    """Create the database if it does not exist, and make all files private, including those that an earlier version or
    a looser umask left readable.

    :raises OSError: other users may read a file, and this process cannot change that.
    """
    if not database.exists():
        _require_no_index(database)
        _create(database)
    for pattern in _FILES:
        for file in database.parent.glob(pattern):
            make_private_if_there(file)


def _require_data(database: Path) -> None:
    """:raises NoData: there is no store, and no search index that would show that a store was lost."""
    if not (database.exists() or _index_of(database).exists()):
        raise NoData(
            f"there is no data in {variable('data_dir')}={str(database.parent.resolve())!r} yet:"
            " `amp serve`, `amp import` or `amp migrate` creates the data folder"
        )


def _require_no_index(database: Path) -> None:
    """:raises BadSetting: there is a search index, so a store was lost. Searches would return its assets."""
    if (index := _index_of(database)).exists():
        raise BadSetting(
            f"{variable('data_dir')}={str(database.parent)!r}: {database.name} is missing although "
            f"{index.name} exists: restore {database.name} from a backup, or remove {index.name} to start empty"
        )


def _index_of(database: Path) -> Path:
    return database.with_name("search.db")


def _create(database: Path) -> None:
    """Create the database under another name first, so that a file named `store.db` is never empty, even if this
    process is killed.
    """
    fresh = database.with_name(f"{database.name}.new")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    fresh.replace(database)


def _require_undamaged(database: Path) -> None:
    """:raises BadSetting: the file is not a store, or its content is damaged."""
    remedy = "restore it from a backup, or move the data folder away to start empty"
    where = f"{variable('data_dir')}={str(database.parent)!r}: {database.name}"
    if database.stat().st_size == 0:
        raise BadSetting(f"{where} is empty, which a store never is: {remedy}")
    if damage := damage_of(database):
        raise BadSetting(f"{where} is damaged ({' '.join(damage.split())}): {remedy}")


@contextlib.contextmanager
def _translated(unavailable: type[Retryable]) -> Iterator[None]:
    """Translate errors of SQLite to errors of AMP. Nothing else in the store does."""
    try:
        yield
    except sqlite3.Error as e:
        if "no such table" in str(e):
            raise NotMigrated(f"the data folder has no tables yet ({e}): run `amp migrate`") from e
        raise unavailable(f"SQLite: {e}") from e
