"""Writes the rows that were not imported to a new file. Existing data is never overwritten."""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from amp.cli.importing.files.rejected_file import rejected_line
from amp.cli.importing.importer import ImportStopped
from amp.cli.importing.place import Place
from amp.private_files import narrow

_MAX_NAMES = 10_000


class RejectedRows:
    """A writer of rejected rows. It creates the file when the first row is rejected."""

    def __init__(self, path: Path | None) -> None:
        """Prepare to write to `path`; None: rejected rows are not written."""
        self._path = path
        self._file: TextIO | None = None
        self.text_only = False  #: Whether the rows are from a file that has only text values.

    @property
    def path(self) -> Path | None:
        """The path of the file. None: no row was rejected."""
        return None if self._file is None else self._path

    def __enter__(self) -> "RejectedRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Calling this again does nothing.

        :raises ImportStopped: the file could not be written completely.
        """
        if self._file is not None:
            try:
                self._file.close()
            except OSError as e:
                raise _unwritable(self._path, e) from e

    def write(self, place: Place, reason: str, row: Any) -> None:
        """Write a rejected row.

        :raises ImportStopped: the file cannot be written.
        """
        if self._path is None:
            return
        try:
            if self._file is None:
                self._file = self._open(self._path)
            line = rejected_line(place, reason, row, text_only=self.text_only)
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as e:
            raise _unwritable(self._path, e) from e

    def _open(self, path: Path) -> TextIO:
        # Rows are data, so only the owner may read them. A file created since `check_rejected` is not overwritten.
        exclusive = 0 if path.exists() else os.O_EXCL
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | exclusive, 0o600)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_size:
            os.close(descriptor)
            raise ImportStopped(f"{path} was written by another process during the import")
        try:
            narrow(descriptor)  # an empty file that existed may have a wider mode
        except OSError:
            os.close(descriptor)
            raise
        return open(descriptor, "w", encoding="utf-8", errors="backslashreplace")


def check_rejected(path: Path, sources: Iterable[Path]) -> None:
    """Check that rejected rows of the sources can be written to `path` without overwriting data.

    :raises ImportStopped: they cannot; the message says why.
    """
    if not path.parent.is_dir():
        raise ImportStopped(f"--rejected {path}: the folder {path.parent} does not exist")
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    except OSError as e:
        raise _unwritable(path, e) from e
    if any(source.exists() and path.samefile(source) for source in sources):
        raise ImportStopped(f"--rejected {path} is the file to import; name another file")
    # A device, a pipe and an empty file have no data that could be overwritten.
    if stat.S_ISREG(status.st_mode) and status.st_size:
        raise ImportStopped(f"--rejected {path} already exists; remove it, or name another file")


def unused_name(path: Path) -> Path:
    """Return `path`, or if it exists, `path` with the lowest unused number from 2: `rows.csv.rejected.2.ndjson`."""
    names = (path, *(path.with_name(f"{path.stem}.{n}{path.suffix}") for n in range(2, _MAX_NAMES)))
    for name in names:
        if not os.path.lexists(name):
            return name
    raise ImportStopped(
        f"{path} and {_MAX_NAMES - 2:,} files with numbers already exist; remove them, or name a file with --rejected"
    )


def _unwritable(path: Path | None, error: OSError) -> ImportStopped:
    reason = f"rejected rows cannot be written to {path}: {error.strerror}"
    return ImportStopped(f"{reason}; run the import again to continue")
