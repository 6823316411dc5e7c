"""Servers that somebody else runs, their addresses given by the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.support.stack import probes
from tests.support.stack.errors import StackError
from tests.support.stack.kinds import Kind
from tests.support.stack.server import Server


class EnvServer(Server):
    """It can be used and asked for signs of life; starting and stopping it is refused."""

    ours = False

    def __init__(self, kind: Kind, address: str) -> None:
        self.kind = kind
        self._address = address
        # Of several addresses the first stands for all.
        first = address.split(",")[0].strip()
        parts = urlsplit(first if "://" in first else f"//{first}")
        try:
            self._host, self._port = parts.hostname or "", parts.port or kind.usual_port
        except ValueError as error:
            raise StackError(f"{kind.setting}={address!r}: {error}") from None

    @property
    def address(self) -> str:
        return self._address

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        return None

    @property
    def running(self) -> bool:
        return probes.port_accepts(self._host, self._port)

    def answers(self) -> bool:
        # It may want TLS or a login, which the plain probes do not speak.
        return self.running

    def start(self) -> None:
        raise self._refusal("started")

    def stop(self) -> None:
        raise self._refusal("stopped")

    def kill(self) -> None:
        raise self._refusal("killed")

    def pause(self) -> None:
        raise self._refusal("paused")

    def resume(self) -> None:
        raise self._refusal("resumed")

    def wipe(self) -> None:
        raise self._refusal("wiped")

    def log_tail(self) -> str:
        return f"(its log is where {self.kind.setting} points to)"

    def _refusal(self, done: str) -> StackError:
        return StackError(f"{self.name} at {self._address} is not ours ({self.kind.setting}); it cannot be {done}")
