"""The file of rows that were not imported: nothing that was there before is touched."""

import json
import os
import stat
from pathlib import Path
from typing import Any, TextIO

from amp.cli.importer import ImportStopped
from amp.private_files import narrow

_MAX_NAMES = 10_000


class RejectedRows:
    """There is a file only once a row is rejected."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    @property
    def path(self) -> Path | None:
        """The file; None: no row was rejected."""
        return None if self._file is None else self._path

    def __enter__(self) -> "RejectedRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Safe twice.

        :raises ImportStopped: not all of it could be written.
        """
        if self._file is not None:
            try:
                self._file.close()
            except OSError as e:
                raise _unwritable(self._path, e) from e

    def write(self, line: int, reason: str, row: Any) -> None:
        """:raises ImportStopped: it cannot be written."""
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(json.dumps({"line": line, "reason": reason, "row": row}, ensure_ascii=False) + "\n")
        except OSError as e:
            raise _unwritable(self._path, e) from e

    def _open(self) -> TextIO:
        # Rows are data: nobody else may read them. What was created since `check_rejected` is not written over.
        exclusive = 0 if self._path.exists() else os.O_EXCL
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | exclusive, 0o600)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size:
            os.close(descriptor)
            raise ImportStopped(f"{self._path} was written by somebody else meanwhile")
        try:
            narrow(descriptor)  # an empty file that was there may have a wider mode
        except OSError:
            os.close(descriptor)
            raise
        return open(descriptor, "w", encoding="utf-8", errors="backslashreplace")


def check_rejected(path: Path, source: Path) -> None:
    """:raises ImportStopped: rejected rows of `source` cannot go there without a loss; the message says why."""
    if not path.parent.is_dir():
        raise ImportStopped(f"--rejected {path}: there is no folder {path.parent}")
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as e:
        raise _unwritable(path, e) from e
    if source.exists() and path.samefile(source):
        raise ImportStopped(f"--rejected {path} is the file that is imported; name another")
    # A device or a pipe has nothing to lose, nor has an empty file.
    if stat.S_ISREG(found.st_mode) and found.st_size:
        raise ImportStopped(f"--rejected {path} is there already; remove it, or name another")


def unused_name(path: Path) -> Path:
    """`path`, or with the least number from 2 that is not taken: `rows.csv.rejected.2.ndjson`."""
    names = (path, *(path.with_name(f"{path.stem}.{n}{path.suffix}") for n in range(2, _MAX_NAMES)))
    for name in names:
        if not os.path.lexists(name):
            return name
    raise ImportStopped(
        f"{path} and {_MAX_NAMES - 2:,} like it are there already; remove them, or name a file with --rejected"
    )


def _unwritable(path: Path, error: OSError) -> ImportStopped:
    return ImportStopped(f"rejected rows cannot be written to {path}: {error.strerror}; run it again to go on")
