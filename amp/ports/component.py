"""A component of the installation (store, queue, search index or cache) as operations see it."""

from typing import Protocol


class Component(Protocol):
    """One server, or the embedded implementation in its place. Operators ask whether it answers and create what it
    needs.
    """

    name: str  #: "store", "queue", "search" or "cache"

    def ping(self) -> str:
        """Return a short description of what answered (product, version, address without secrets), within two seconds.

        :raises Retryable: the component does not answer, or the store would not acknowledge a write.
        """
        ...

    def pending(self) -> list[str]:
        """Return what `migrate` would do, one line per step; empty if nothing is missing.

        :raises Retryable: the component does not answer.
        """
        ...

    def migrate(self) -> list[str]:
        """Create what must exist and does not. Return one line per step that was done. It is safe to call it twice, and
        twice at the same time.

        :raises Retryable: the component does not answer; finished steps remain.
        """
        ...

    def close(self) -> None:
        """Release connections and files. The component is not used afterwards."""
        ...
