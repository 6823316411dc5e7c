"""Restricts files with data to their owner, whatever the umask is and whichever process created them."""

import os
import stat
from pathlib import Path

_PRIVATE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(path: Path) -> None:
    """Let only its owner read or write the file at `path`. Create an empty file if there is none.

    :raises OSError: the file cannot be created, or others have access that this process may not revoke.
    """
    try:
        # Create it with the right mode: others could open it during a moment with a wider mode.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        is_new = True
    except FileExistsError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, _PRIVATE)
        is_new = False
    try:
        if is_new:
            os.fchmod(descriptor, _PRIVATE)  # the umask may have removed the owner's rights too
        else:
            narrow(descriptor)
    finally:
        os.close(descriptor)


def make_private_if_there(path: Path) -> None:
    """Let only its owner read or write the file at `path`. Do nothing if there is none.

    :raises OSError: others have access that this process may not revoke.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        narrow(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` atomically by a file with this text that only its owner can read or write.

    :raises OSError: the file cannot be written.
    """
    new_path = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, _PRIVATE)
        file.write(text)
    new_path.replace(path)


def narrow(descriptor: int) -> None:
    """Let only its owner read or write the open file, if it is a regular file. The owner's rights do not change: a
    read-only file does not become writable.

    :raises OSError: others have access that this process may not revoke.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_mode & _OTHERS:
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & _PRIVATE)
