"""What every server of a stack can do, however it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tests.support.stack.errors import StackError
from tests.support.stack.kinds import Kind
from tests.support.stack.waiting import wait_until


class Server(ABC):
    """One server: running, stopped, paused or broken. Restarting keeps its port, and its data except for Redis'.

    `start` and `resume` return at once, `wait_ready` waits until it serves, `restart` includes that.
    `stop`, `kill` and `pause` return when the effect is there. All are safe to repeat.
    """

    kind: Kind
    #: It can be stopped and started from here.
    ours = True

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    @abstractmethod
    def host(self) -> str: ...

    @property
    @abstractmethod
    def port(self) -> int:
        """The port that clients use."""

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process that leads its group; None while it does not run or is not ours."""

    @property
    @abstractmethod
    def running(self) -> bool:
        """There is a process, whether or not it answers."""

    @abstractmethod
    def start(self) -> None:
        """:raises StackError: it cannot be started here; says what is missing."""

    @abstractmethod
    def stop(self) -> None:
        """Asks it to end in order; kills it if that takes too long."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL: what it had not handed to the system is lost."""

    @abstractmethod
    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def wipe(self) -> None:
        """Stops it and removes its data."""

    @abstractmethod
    def log_tail(self) -> str:
        """Where its log is, and the end of it."""

    @property
    def address(self) -> str:
        """As the setting of its kind wants it."""
        return self.kind.address.format(host=self.host, port=self.port)

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_ready()

    def answers(self) -> bool:
        return self.running and self.kind.answers(self.host, self.port)

    def wait_ready(self, timeout_s: float = 300) -> None:
        """:raises StackError: it ended, or does not serve after `timeout_s`; shows the end of its log."""
        try:
            wait_until(
                lambda: not self.running or self.kind.ready(self.host, self.port),
                timeout_s,
                f"{self.name} on port {self.port}",
            )
        except StackError as error:
            raise StackError(f"{error}\n{self.log_tail()}") from None
        if not self.running:
            raise StackError(f"{self.name} ended while starting\n{self.log_tail()}")
