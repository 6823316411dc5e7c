"""The files of an open SQLite database, which others may remove or replace although it is in use."""

from pathlib import Path

#: The database itself, its write-ahead log, and the index of that log.
_SUFFIXES = ("", "-wal", "-shm")


def file_identities(database: Path) -> tuple[tuple[int, int] | None, ...]:
    """Returns device and inode number of each file of the database; None for a file that does not exist."""
    return tuple(file_identity(database.with_name(database.name + suffix)) for suffix in _SUFFIXES)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Returns device and inode number; None if there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
