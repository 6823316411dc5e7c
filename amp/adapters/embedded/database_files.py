"""The files of an open SQLite database, which others may remove or replace although it is in use."""

from pathlib import Path

#: The database itself, its write-ahead log, and the index of that log.
_SUFFIXES = ("", "-wal", "-shm")


def file_identities(database: Path) -> tuple[tuple[int, int] | None, ...]:
    """Returns device and inode number of each file of the database; None for a file that does not exist."""
    return tuple(_identity(database.with_name(database.name + suffix)) for suffix in _SUFFIXES)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
