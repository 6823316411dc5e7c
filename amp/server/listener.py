"""The listening socket of a server, and the file with the server's URL."""

import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path

from amp.errors import BadSetting
from amp.private_files import write_private
from amp.server.predecessor import retry_while_taken
from amp.settings import Settings, variable

#: The file in the data folder with the URL of the server that uses the folder, for commands that connect to it.
URL_FILE = "server.url"
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class AddressFile:
    """The file with the server's URL, as this server wrote it."""

    path: Path
    #: Identity of the file. Its text is not enough, because a successor at the same port writes the same text.
    identity: tuple[int, int]

    def remove(self) -> None:
        """Remove the file, unless another server has replaced it with its own."""
        with contextlib.suppress(FileNotFoundError):
            if _identity(self.path) == self.identity:
                self.path.unlink()


def address(settings: Settings, port: int) -> str:
    """Return the URL at which a client on this machine reaches a server with these settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(settings: Settings) -> socket.socket:
    """Return a listening socket at the configured address.

    :raises BadSetting: the address is in use or is not an address of this machine.
    """
    where = f"{settings.host}:{settings.port}"
    variables = f"{variable('host')} or {variable('port')}"
    try:
        return retry_while_taken(
            lambda: _listen(settings), lambda e: isinstance(e, OSError) and e.errno == errno.EADDRINUSE
        )
    except OSError as e:
        reason = str(e.strerror).partition(" (")[0]
        raise BadSetting(f"cannot listen on {where}: {reason}; set {variables}") from e


def _listen(settings: Settings) -> socket.socket:
    family, *_, socket_address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(socket_address, family=family, backlog=_BACKLOG)


def leave_address(settings: Settings, listener: socket.socket) -> AddressFile:
    """Write the server's URL to a file in its data folder and return the file, which the caller must remove."""
    file = settings.data_dir / URL_FILE
    write_private(file, address(settings, listener.getsockname()[1]))
    return AddressFile(file, _identity(file))


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_ino, status.st_mtime_ns
