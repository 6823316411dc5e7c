"""Guards against writes that create an index by mistake, when the index they name does not exist."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Gap:
    """An index template that lets a write to a missing index of this installation create that index."""

    template: str
    problem: str
    ours: bool  #: the template belongs to this installation, so `close` can close the gap


class CreationGuard(Protocol):
    def gaps(self) -> list[Gap]:
        """Return the gaps there are.

        :raises SearchUnavailable: the search index does not answer.
        """
        ...

    def close(self) -> None:
        """Close the gaps in this installation's own template.

        :raises SearchUnavailable: they may still be open.
        """
        ...
