"""What every adapter of a server lets operators do: ask whether it answers, and make what must exist."""

from typing import Protocol


class Component(Protocol):
    """One server, or its embedded stand-in, as operations see it."""

    name: str  #: "store", "queue", "search" or "cache"

    def ping(self) -> str:
        """A few words on what answered (product, version, address without secrets), within two seconds.

        :raises Retryable: it does not answer, or the store would not acknowledge a write.
        """
        ...

    def pending(self) -> list[str]:
        """What `migrate` would do, one line each; empty: all is there.

        :raises Retryable: it does not answer.
        """
        ...

    def migrate(self) -> list[str]:
        """Make what must exist and is not there; one line for each thing done. Safe twice and twice at once.

        :raises Retryable: it does not answer; what was done stays done.
        """
        ...

    def close(self) -> None:
        """Give back connections and files. Not used afterwards."""
        ...
