"""One SQLite file in the data folder: held by one process, one writer at a time, any number of readers beside it."""

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
#: With less than this the next write may not fit.
_MIN_FREE_BYTES = 16 * 1024 * 1024
#: What this project puts into the folder, as patterns; SQLite's `-wal` and `-shm` take their mode from their database.
_FILES = ("store.db*", "search.db*", "server.url*")


class Database:
    """`store.db` in a folder that no other process uses meanwhile. Safe from any number of threads.

    A committed write survives a power loss (`synchronous=FULL`), unless the writer waived it.
    """

    def __init__(self, folder: Path, *, create: bool = True, max_write_bytes: int = MAX_WRITE_BYTES) -> None:
        """:param max_write_bytes: content of the largest request that is written at once.
        :raises BadSetting: the folder or the file in it can't be used.
        :raises NoData: there is no store in the folder, and none is to be created.
        :raises Busy: another process holds the folder.
        """
        self.path = folder / "store.db"
        try:
            if not create:
                _require_there(self.path)
        except OSError as e:
            raise _unusable(folder, e) from e
        self._lock_file = _lock_folder(folder)
        try:
            _make_files_private(self.path)
            _require_sound(self.path)
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode=WAL")
            # Fails here and now when the file can be read but not written.
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
        #: Shared by all who use the queue in this file.
        self.queue_board = QueueBoard()

    @contextlib.contextmanager
    def reading(self, unavailable: type[Retryable] = StoreUnavailable) -> Iterator[sqlite3.Connection]:
        """A connection for reads of its own; each statement sees all that was committed before it.

        :raises NotMigrated: the tables are not there.
        :raises Retryable: `unavailable`, SQLite can't answer.
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
        """The one write transaction: committed at the end of the block, rolled back if the block raises.

        With `durable` False a power loss may undo it (never one before it); a crash of the process does not.

        :raises NotMigrated: the tables are not there.
        :raises Retryable: `unavailable`, SQLite can't answer; nothing was written unless the commit itself failed.
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
        """Return if a write is acknowledged now, or if one is under way for `timeout_s`.

        :raises StoreUnavailable: it is not: the disk is full, or the file is gone or cannot be written.
        """
        self._check_file(StoreUnavailable)
        space = os.statvfs(self.path.parent)
        free = space.f_bavail * space.f_frsize
        if free < _MIN_FREE_BYTES:
            raise StoreUnavailable(f"the disk of the data folder {self.path.parent} is full: {free:,} bytes left")
        self._writes.probe(timeout_s, lambda: self._transaction(StoreUnavailable, durable=True))

    def close(self) -> None:
        """Wait for the write under way, give the folder back. Safe twice."""
        with self._writes.lock:
            if self._closed:
                return
            self._closed = True
            while self._idle_readers:
                self._idle_readers.pop().close()
            self._writer.close()
            self._lock_file.close()

    def _check_file(self, unavailable: type[Retryable]) -> None:
        """SQLite would write on into a file that was removed, and every write would be lost with the process."""
        if file_identities(self.path) != self._files:
            raise unavailable(f"{self.path} was removed or replaced while in use; restart the server")
        # Without it, nothing keeps another process from the folder.
        if file_identity(self._lock_path) != self._lock_identity:
            raise unavailable(f"{self._lock_path} was removed or replaced while in use; restart the server")

    def _connect(self) -> sqlite3.Connection:
        # Transactions are begun and ended by hand; a connection goes from thread to thread, one at a time.
        return sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _lock_folder(folder: Path) -> TextIO:
    """Hold `folder` until the file returned is closed; the kernel lets go of it when the process dies."""
    try:
        _make_folder(folder)
        make_private(folder / LOCK_FILE)
        lock = open(folder / LOCK_FILE, "a+")  # noqa: SIM115 - stays open as long as the folder is held
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
    return BadSetting(f"{variable('data_dir')}={str(folder)!r} can't be used as a data folder: {error.strerror}")


def _make_folder(folder: Path) -> None:
    """One that is there keeps its mode: whoever made it may have reasons; its files are private either way."""
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _make_files_private(database: Path) -> None:
    """Those of earlier versions and of looser umasks too.

    :raises OSError: others may read one and this process can't change that.
    """
    if not database.exists():
        _require_new(database)
        _make(database)
    for pattern in _FILES:
        for file in database.parent.glob(pattern):
            make_private_if_there(file)


def _require_there(database: Path) -> None:
    """:raises NoData: neither the store nor the index that only a lost store leaves behind is there."""
    if not (database.exists() or _index_beside(database).exists()):
        raise NoData(
            f"there is no data in {variable('data_dir')}={str(database.parent.resolve())!r} yet:"
            " `amp serve`, `amp import` or `amp migrate` creates the data folder"
        )


def _require_new(database: Path) -> None:
    """:raises BadSetting: an index is there, so there was a store: its assets would be found although they are gone."""
    if (index := _index_beside(database)).exists():
        raise BadSetting(
            f"{variable('data_dir')}={str(database.parent)!r}: {database.name} is missing although "
            f"{index.name} is there: restore it from a backup, or remove {index.name} to begin with nothing"
        )


def _index_beside(database: Path) -> Path:
    return database.with_name("search.db")


def _make(database: Path) -> None:
    """Under another name first: a file of that name is never empty, whenever this process is killed."""
    fresh = database.with_name(f"{database.name}.new")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    fresh.replace(database)


def _require_sound(database: Path) -> None:
    """:raises BadSetting: the file is no store, or one whose content is damaged."""
    cure = "restore it from a backup, or move the data folder away to begin with nothing"
    where = f"{variable('data_dir')}={str(database.parent)!r}: {database.name}"
    if database.stat().st_size == 0:
        raise BadSetting(f"{where} is empty, as no store ever is: {cure}")
    if damage := damage_of(database):
        raise BadSetting(f"{where} is damaged ({' '.join(damage.split())}): {cure}")


@contextlib.contextmanager
def _translated(unavailable: type[Retryable]) -> Iterator[None]:
    """The one place where errors of SQLite become errors of AMP."""
    try:
        yield
    except sqlite3.Error as e:
        if "no such table" in str(e):
            raise NotMigrated(f"the data folder has no tables yet ({e}): run `amp migrate`") from e
        raise unavailable(f"SQLite: {e}") from e
