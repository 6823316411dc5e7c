"""Identifies the files of an open SQLite database, so that their removal or replacement is detected."""

from pathlib import Path

#: The database itself, its write-ahead log, and the index of that log.
_SUFFIXES = ("", "-wal", "-shm")


def file_identities(database: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return the device and inode number of each file of the database, and None for a file that does not exist."""
    return tuple(file_identity(database.with_name(database.name + suffix)) for suffix in _SUFFIXES)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode number of a file, or None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
