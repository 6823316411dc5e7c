"""Shows dead letters, sends them on their way again, and discards them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from amp.domain.dead_letters import DeadLetter
from amp.domain.events import Event, JobEvent
from amp.errors import LetterNotFound, QueueUnavailable
from amp.ports.dead_letters import DeadLetters, LetterPage
from amp.ports.event_queue import EventQueue, Topic

_PAGE = 200
_FLUSH_S = 10.0
#: A list of mostly other reasons gives short pages rather than walk on for ever.
_PAGES_AT_MOST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Letters that meet every condition given; no condition: all of them."""

    ids: Collection[UUID] | None = None
    job_id: UUID | None = None
    reason: str | None = None  #: a part of the reason

    def covers(self, letter: DeadLetter) -> bool:
        return (
            (self.ids is None or letter.id in self.ids)
            and (self.job_id is None or self.job_id == letter.job_id)
            and (self.reason is None or self.reason in letter.reason)
        )


class SteerLetters:
    def __init__(self, letters: DeadLetters, queue: EventQueue) -> None:
        self._letters = letters
        self._queue = queue

    def get(self, letter_id: UUID) -> DeadLetter:
        """:raises LetterNotFound: there is none, any more at least.
        :raises StoreUnavailable: the store does not answer.
        """
        found = self._letters.get(letter_id)
        if found is None:
            raise LetterNotFound(f"there is no dead letter {letter_id}")
        return found

    def page(self, which: Which, position: str | None, limit: int) -> LetterPage:
        """Newest first; a page may be short while there is a position.

        :raises BadCursor: the position is none of this list.
        :raises StoreUnavailable: the store does not answer.
        """
        found: list[DeadLetter] = []
        for _ in range(_PAGES_AT_MOST):
            page = self._letters.page(job_id=which.job_id, position=position, limit=limit - len(found))
            found += filter(which.covers, page.letters)
            position = page.position
            if position is None or len(found) >= limit:
                break
        return LetterPage(tuple(found), position)

    def replay(self, which: Which) -> int:
        """Hand them to the workers again; how many. One whose work succeeds is no dead letter any more, one that fails
        again has one attempt more. Those that cannot be read as messages stay.

        :raises StoreUnavailable, QueueUnavailable: some may have been; replay again.
        """
        count = 0
        for letters in self._batches(which):
            live = [letter for letter in letters if isinstance(letter.message, Event)]
            of_jobs = [letter.message for letter in letters if isinstance(letter.message, JobEvent)]
            self._queue.publish(Topic.REALTIME, [letter.message for letter in live if letter.message is not None])
            self._queue.publish(Topic.BULK, [replace(message, replayed=True) for message in of_jobs])
            if not self._queue.flush(_FLUSH_S):
                raise QueueUnavailable(f"not all was taken by the queue within {_FLUSH_S:g} s")
            # A job removes its own when the work is done; live traffic puts aside anew what fails again, which may be
            # before this.
            self._letters.remove_unchanged(live)
            count += len(live) + len(of_jobs)
        return count

    def discard(self, which: Which) -> int:
        """Forget them; how many.

        :raises StoreUnavailable: some may be left; discard again.
        """
        count = 0
        for letters in self._batches(which):
            self._letters.remove_unchanged(letters)
            count += len(letters)
        return count

    def _batches(self, which: Which) -> Iterator[list[DeadLetter]]:
        found = self._found(which)
        while batch := list(islice(found, _PAGE)):
            yield batch

    def _found(self, which: Which) -> Iterator[DeadLetter]:
        if which.ids is not None:
            letters = (self._letters.get(letter_id) for letter_id in dict.fromkeys(which.ids))
            yield from (letter for letter in letters if letter is not None and which.covers(letter))
            return
        position = None
        while True:
            page = self._letters.page(job_id=which.job_id, position=position, limit=_PAGE)
            yield from filter(which.covers, page.letters)
            position = page.position
            if position is None:
                return
