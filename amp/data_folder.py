"""Identifies a data folder. A server's address does not: another server may listen on it by now."""

import hashlib
from pathlib import Path

#: Of a request: the data folder that is meant. Of the answer: the one that is served.
FOLDER_HEADER = "AMP-Data-Folder"
#: Locked by the process that uses the folder.
LOCK_FILE = "lock"


def folder_identity(folder: Path) -> str | None:
    """That of the folder itself: a copy has another, and one made in its place as well. None: it was never used."""
    try:
        found = (folder / LOCK_FILE).stat()
    except OSError:
        return None
    return hashlib.sha256(f"{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:32]
