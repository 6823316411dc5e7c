"""Identifies a data folder. The address of a server is not enough, as another server may listen on it by now."""

import hashlib
from pathlib import Path

#: HTTP header. In a request: the data folder that it is meant for. In a response: the data folder that is served.
FOLDER_HEADER = "AMP-Data-Folder"
#: Name of the file that the process that uses the folder keeps locked.
LOCK_FILE = "lock"


def folder_identity(folder: Path) -> str | None:
    """Return the identity of the folder. A copy has another one, and so has a folder created in its place. None: the
    folder was never used.
    """
    try:
        status = (folder / LOCK_FILE).stat()
    except OSError:
        return None
    return hashlib.sha256(f"{status.st_dev}:{status.st_ino}".encode()).hexdigest()[:32]
