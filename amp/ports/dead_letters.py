"""The store of dead letters: messages that no further attempt can process, kept until they are replayed or discarded.

The *position* of a page is the place in the list after which the next page begins; it is opaque.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    dead_letters: tuple[DeadLetter, ...]
    #: Pass it to `page` to read the next page; None: this is the last page.
    position: str | None


class DeadLetters(Protocol):
    def put(self, dead_letter: DeadLetter) -> None:
        """Store a dead letter. If there is one with this id already, it takes the new reason, detail and `last_ms`, and
        its attempts increase by one.

        :raises StoreUnavailable: it may not be stored; put it again.
        """
        ...

    def get(self, dead_letter_id: UUID) -> DeadLetter | None:
        """Return the dead letter; None if there is none with this id.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def page(self, *, job_id: UUID | None, position: str | None, limit: int) -> DeadLetterPage:
        """Return up to `limit` dead letters of that job or, if it is None, of all jobs and of live traffic. They are
        ordered by `first_ms`, newest first.

        :raises BadCursor: `position` was not returned by this method.
        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def count(self, job_id: UUID) -> int:
        """Return the number of dead letters of that job.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def remove(self, dead_letter_ids: Collection[UUID]) -> None:
        """Remove the dead letters with these ids. Ids without a dead letter are ignored.

        :raises StoreUnavailable: some may remain; call it again.
        """
        ...

    def remove_unchanged(self, dead_letters: Collection[DeadLetter]) -> None:
        """Remove those of these dead letters that were not put again after they were read.

        :raises StoreUnavailable: some may remain; call it again.
        """
        ...
