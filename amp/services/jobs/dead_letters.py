"""Lists dead letters, replays and discards them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

import structlog

from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.dead_letters import DeadLetter
from amp.domain.jobs import Note, NoteKind
from amp.domain.messages import AssetChanged, JobItem, Message
from amp.domain.principals import Principal
from amp.errors import DeadLetterNotFound, QueueUnavailable
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetterPage, DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.runtime.delivery import publish_durably

_log = structlog.get_logger(__name__)
_PAGE = 200
#: A page is short rather than read more than this number of pages for the few that match.
_MAX_PAGES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterFilter:
    """Selects the dead letters that meet every given condition; without conditions, selects all."""

    ids: Collection[UUID] | None = None
    job_id: UUID | None = None
    reason: str | None = None  #: a substring of the reason

    def covers(self, dead_letter: DeadLetter) -> bool:
        return (
            (self.ids is None or dead_letter.id in self.ids)
            and (self.job_id is None or self.job_id == dead_letter.job_id)
            and (self.reason is None or self.reason in dead_letter.reason)
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a replay."""

    count: int  #: sent to the workers again
    kept: Mapping[str, int]  #: the number that cannot be replayed and stay, by reason


_UNREADABLE = "the message cannot be parsed; discard the dead letter"
_JOB_FORGOTTEN = "the job was removed, so its items cannot be processed; discard the dead letter"


@dataclass(frozen=True, kw_only=True)
class DeadLetterAdmin:
    dead_letters: DeadLetters
    queue: MessageQueue
    jobs: JobLog
    chunks: JobChunks
    clock: Clock

    def get(self, dead_letter_id: UUID, principal: Principal) -> DeadLetter:  # noqa: ARG002
        """Return a dead letter.

        :raises DeadLetterNotFound: there is no such dead letter, or it was removed.
        :raises StoreUnavailable: the store does not answer.
        """
        found = self.dead_letters.get(dead_letter_id)
        if found is None:
            raise DeadLetterNotFound(f"there is no dead letter {dead_letter_id}")
        return found

    def page(self, which: DeadLetterFilter, position: str | None, limit: int, principal: Principal) -> DeadLetterPage:  # noqa: ARG002
        """Return a page, newest first. It may be short, even empty, while it has a position.

        :raises BadCursor: the position is not one of this list.
        :raises StoreUnavailable: the store does not answer.
        """
        found: list[DeadLetter] = []
        for _ in range(_MAX_PAGES):
            page = self.dead_letters.page(job_id=which.job_id, position=position, limit=limit - len(found))
            found += filter(which.covers, page.dead_letters)
            position = page.position
            if position is None or len(found) >= limit:
                break
        return DeadLetterPage(tuple(found), position)

    def replay(self, which: DeadLetterFilter, principal: Principal) -> Replay:
        """Send the dead letters to the workers again. A dead letter whose message is processed is removed; one whose
        message fails again has one more attempt. Those that are not readable messages, or whose job was removed, stay.

        :raises StoreUnavailable, QueueUnavailable: some may have been replayed; replay again.
        """
        count, kept = 0, Counter[str]()
        kept_jobs: dict[UUID, bool] = {}
        for batch in self._batches(which):
            reasons = [self._cannot_be_replayed(dead_letter, kept_jobs) for dead_letter in batch]
            kept.update(filter(None, reasons))
            dead_letters = [dead_letter for dead_letter, reason in zip(batch, reasons, strict=True) if not reason]
            live = [dead_letter for dead_letter in dead_letters if isinstance(dead_letter.message, AssetChanged)]
            items = [
                replace(dead_letter.message, replayed=True)
                for dead_letter in dead_letters
                if isinstance(dead_letter.message, JobItem)
            ]
            changes = [dead_letter.message for dead_letter in live if dead_letter.message is not None]
            sent: list[Message] = [*changes, *items]
            delivered = publish_durably(self.queue, Topic.REALTIME, changes)
            # The job worker removes those of jobs once they are processed. A change that fails again may become a dead
            # letter before this.
            self.dead_letters.remove_unchanged(
                [dead_letter for dead_letter in live if dead_letter.message in delivered]
            )
            delivered |= publish_durably(self.queue, Topic.BULK, items)
            if lost := sum(message not in delivered for message in sent):
                raise QueueUnavailable(f"the queue did not accept {lost} of {len(sent)} messages")
            self._record(dead_letters, f"replayed by {principal.name}", kept_jobs)
            count += len(dead_letters)
        return Replay(count, dict(kept))

    def discard(self, which: DeadLetterFilter, principal: Principal) -> int:
        """Remove the dead letters and return their number. Jobs no longer count them as failed. A dead letter whose
        message failed again in the meantime stays.

        :raises StoreUnavailable: some may be left; discard again.
        """
        count = 0
        kept_jobs: dict[UUID, bool] = {}
        for dead_letters in self._batches(which):
            self.dead_letters.remove_unchanged(dead_letters)
            gone = [dead_letter for dead_letter in dead_letters if self.dead_letters.get(dead_letter.id) is None]
            self._resolve(gone, kept_jobs)
            self._record(gone, f"discarded by {principal.name}", kept_jobs)
            count += len(gone)
        return count

    def _cannot_be_replayed(self, dead_letter: DeadLetter, kept_jobs: dict[UUID, bool]) -> str:
        """Return why it cannot be replayed, or "" if it can. `kept_jobs` caches which jobs exist."""
        if dead_letter.message is None:
            return _UNREADABLE
        job_id = dead_letter.job_id
        return "" if job_id is None or self._is_kept(job_id, kept_jobs) else _JOB_FORGOTTEN

    def _is_kept(self, job_id: UUID, kept_jobs: dict[UUID, bool]) -> bool:
        if job_id not in kept_jobs:
            kept_jobs[job_id] = self.jobs.get(job_id) is not None
        return kept_jobs[job_id]

    def _resolve(self, dead_letters: Sequence[DeadLetter], kept_jobs: dict[UUID, bool]) -> None:
        """Record the dead letters as resolved in the results of their jobs, as far as these are kept."""
        by_job: dict[UUID, dict[int, dict[UUID, ItemResult]]] = defaultdict(lambda: defaultdict(dict))
        for dead_letter in dead_letters:
            item = dead_letter.message
            if isinstance(item, JobItem) and self._is_kept(item.job_id, kept_jobs):
                by_job[item.job_id][item.chunk][item.asset_id] = ItemResult(ItemOutcome.RESOLVED)
        for job_id, by_chunk in by_job.items():
            self.chunks.record(job_id, by_chunk)

    def _record(self, dead_letters: Sequence[DeadLetter], what: str, kept_jobs: dict[UUID, bool]) -> None:
        """Write to the log and to the history of each job what was done with dead letters and by whom."""
        by_job = Counter(dead_letter.job_id for dead_letter in dead_letters)
        for job_id, count in by_job.items():
            of = "live traffic" if job_id is None else str(job_id)
            _log.info(
                "dead letters replayed or discarded", action="dead_letters_handled", count=count, what=what, of=of
            )
            if job_id is not None and self._is_kept(job_id, kept_jobs):
                noun = "1 dead letter" if count == 1 else f"{count:,} dead letters"
                self.jobs.note(job_id, Note(self.clock.now_ms(), NoteKind.DEAD_LETTERS, f"{noun} {what}"))

    def _batches(self, which: DeadLetterFilter) -> Iterator[list[DeadLetter]]:
        found = self._found(which)
        while batch := list(islice(found, _PAGE)):
            yield batch

    def _found(self, which: DeadLetterFilter) -> Iterator[DeadLetter]:
        if which.ids is not None:
            dead_letters = (self.dead_letters.get(dead_letter_id) for dead_letter_id in dict.fromkeys(which.ids))
            yield from (
                dead_letter for dead_letter in dead_letters if dead_letter is not None and which.covers(dead_letter)
            )
            return
        position = None
        while True:
            page = self.dead_letters.page(job_id=which.job_id, position=position, limit=_PAGE)
            yield from filter(which.covers, page.dead_letters)
            position = page.position
            if position is None:
                return
