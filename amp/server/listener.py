"""The listening socket of a server, and where the server says that it is found."""

import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path

from amp.errors import BadSetting
from amp.private_files import write_private
from amp.server.predecessor import patiently
from amp.settings import Settings, variable

#: Names the server that holds a data folder, for commands that want to talk to it.
URL_FILE = "server.url"
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class AddressFile:
    path: Path
    #: Of the file as this server wrote it: a successor at the same port writes the same text.
    identity: tuple[int, int]

    def remove(self) -> None:
        """Remove it, unless another server has put its own in its place."""
        with contextlib.suppress(FileNotFoundError):
            if _identity(self.path) == self.identity:
                self.path.unlink()


def address(settings: Settings, port: int) -> str:
    """The URL at which this machine reaches a server with these settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(settings: Settings) -> socket.socket:
    """:raises BadSetting: the address is in use, or is not an address of this machine."""
    where = f"{settings.host}:{settings.port}"
    variables = f"{variable('host')} or {variable('port')}"
    try:
        return patiently(lambda: _listen(settings), lambda e: isinstance(e, OSError) and e.errno == errno.EADDRINUSE)
    except OSError as e:
        reason = str(e.strerror).partition(" (")[0]
        raise BadSetting(f"cannot listen on {where}: {reason}; set {variables}") from e


def _listen(settings: Settings) -> socket.socket:
    family, *_, found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(found, family=family, backlog=_BACKLOG)


def leave_address(settings: Settings, listener: socket.socket) -> AddressFile:
    """Write the server's URL into its data folder; returns the file, for the caller to remove."""
    file = settings.data_dir / URL_FILE
    write_private(file, address(settings, listener.getsockname()[1]))
    return AddressFile(file, _identity(file))


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_ino, found.st_mtime_ns
