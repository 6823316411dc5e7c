"""What keeps a stray write from making an index that nobody asked for."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Gap:
    """A template under which a write to an index of ours that is not there would make it."""

    template: str
    problem: str
    ours: bool  #: `close` closes it


class CreationGuard(Protocol):
    def gaps(self) -> list[Gap]:
        """:raises SearchUnavailable: the search index does not answer."""
        ...

    def close(self) -> None:
        """Close those that are ours.

        :raises SearchUnavailable: they may be open still.
        """
        ...
