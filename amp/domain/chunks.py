"""Chunks: the parts a job over assets is cut into, each with its own record of what became of its assets."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """The assets that one step of a job's selection gave."""

    job_id: UUID
    number: int  #: from 0, without gaps
    ids: tuple[UUID, ...]
    #: Selected assets that need no closer look, beside `ids`.
    passed: int = 0
    #: Where the selection goes on; None: this chunk is the last.
    position: str | None = None


class ItemOutcome(StrEnum):
    DONE = "done"  #: looked after; nothing of the asset had to change
    CHANGED = "changed"
    SKIPPED = "skipped"  #: it is not (any more) what the job is for
    FOUND = "found"  #: store and index differ
    FAILED = "failed"  #: given up; it is among the dead letters, unless the job is a dry run
    RESOLVED = "resolved"  #: given up, and its dead letter was discarded; a replay records its own result


#: What is kept for people to read once a job is done with it.
REPORTED = frozenset((ItemOutcome.FOUND, ItemOutcome.FAILED))


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one asset in one job."""

    outcome: ItemOutcome
    note: str = ""  #: why it was skipped or failed, or what was found
