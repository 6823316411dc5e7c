"""Chunks: the parts into which a job over assets is divided. Each has its own record of the results of its assets."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """The assets that one step of a job's selection returned."""

    job_id: UUID
    number: int  #: counts from 0, without gaps
    ids: tuple[UUID, ...]
    #: Number of selected assets, in addition to `ids`, that need no further processing.
    passed: int = 0
    #: The position from which the selection continues; None: this chunk is the last.
    position: str | None = None


class ItemOutcome(StrEnum):
    DONE = "done"  #: processed; no change was needed
    CHANGED = "changed"
    SKIPPED = "skipped"  #: the job does not apply to the asset (any more)
    FOUND = "found"  #: a check found that store and index differ
    FAILED = "failed"  #: no further attempt is made; the asset has a dead letter unless the job is a dry run
    RESOLVED = "resolved"  #: it failed and its dead letter was discarded; a replay records its own result


#: The outcomes whose results are kept for people to read after the asset was processed.
REPORTED = frozenset((ItemOutcome.FOUND, ItemOutcome.FAILED))


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of one asset in one job."""

    outcome: ItemOutcome
    note: str = ""  #: why the asset was skipped or failed, or what the check found
