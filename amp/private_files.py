"""Files that hold data belong to their owner alone, whatever the umask says and whoever made them."""

import os
import stat
from pathlib import Path

_PRIVATE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(path: Path) -> None:
    """Let nobody but its owner read or write the file at `path`; an empty one is created if there is none.

    :raises OSError: it cannot be created, or others have access and this process may not take it from them.
    """
    try:
        # Created with the right mode: a moment of a wider one would be enough to open the file.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        is_new = True
    except FileExistsError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, _PRIVATE)
        is_new = False
    try:
        if is_new:
            os.fchmod(descriptor, _PRIVATE)  # the umask may have taken the owner's rights as well
        else:
            narrow(descriptor)
    finally:
        os.close(descriptor)


def make_private_if_there(path: Path) -> None:
    """As `make_private`, but nothing is created.

    :raises OSError: others have access and this process may not take it from them.
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
    """Replace the file at `path`, at once for all who read it, by one of its owner's with this text.

    :raises OSError: it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, _PRIVATE)
        file.write(text)
    fresh.replace(path)


def narrow(descriptor: int) -> None:
    """Let nobody but its owner read or write the open file, if it is a regular one. The owner's own rights stay as they
    are: a file that was made read-only is not made writable.

    :raises OSError: others have access and this process may not take it from them.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return
    if found.st_mode & _OTHERS:
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & _PRIVATE)
