"""Where messages are put aside that no further try can help, until somebody replays or discards them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    dead_letters: tuple[DeadLetter, ...]
    #: Hand it back to go on after this page; None: there is no more.
    position: str | None


class DeadLetters(Protocol):
    def put(self, dead_letter: DeadLetter) -> None:
        """Keep it. One of its id that is there already gets its reason, detail and time, and one attempt more.

        :raises StoreUnavailable: it may not be there; put it again.
        """
        ...

    def get(self, dead_letter_id: UUID) -> DeadLetter | None:
        """:raises StoreUnavailable: the store does not answer."""
        ...

    def page(self, *, job_id: UUID | None, position: str | None, limit: int) -> DeadLetterPage:
        """Letters of that job, or of all jobs and of live traffic when it is None; by the time they were first put
        aside, newest first.

        :raises BadCursor: `position` is not one this method gave.
        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def count(self, job_id: UUID) -> int:
        """How many letters of that job there are.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def remove(self, dead_letter_ids: Collection[UUID]) -> None:
        """Forget them; those that are gone are passed over.

        :raises StoreUnavailable: some may be left; remove them again.
        """
        ...

    def remove_unchanged(self, dead_letters: Collection[DeadLetter]) -> None:
        """Remove those of them that were not put again since they were read.

        :raises StoreUnavailable: some may be left; remove them again.
        """
        ...
