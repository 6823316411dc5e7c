"""The interface of selections, which return the assets of a job in steps."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SelectionStep:
    """The result of one step of a selection."""

    ids: tuple[UUID, ...] = ()
    passed: int = 0  #: assets that were covered by the step and need no work
    position: str | None = None  #: where the next step begins; None: this was the last
    unfinished: bool = False  #: nothing yet; step again from the same position


class Selection(Protocol):
    """The assets of one job. A process that takes over the job creates another one and continues from the position."""

    def step(self, position: str | None, limit: int) -> SelectionStep:
        """Return up to `limit` assets from `position` on (None: from the first).

        :raises NotFound: the list of ids of the job was removed.
        :raises BadCursor: the position is not one of this selection.
        :raises Retryable: a component does not answer.
        """
        ...
