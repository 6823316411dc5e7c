"""Jobs: long-running operations, each with a durable record.

There are two families: jobs over assets, which select assets and process each, and moves of buckets (`MOVE_KINDS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from amp.domain.chunks import ItemOutcome
from amp.domain.documents import Position
from amp.domain.job_parameters import AssetJobParameters, MoveParameters


class JobState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Return whether the state is final."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def open_states(expected: JobState | None = None) -> tuple[JobState, ...]:
    """Return the states that a job can leave. If `expected` is given, return it alone, or nothing if it is final."""
    return tuple(state for state in JobState if not state.ended and expected in (None, state))


class NoteKind(StrEnum):
    """What an entry in a job's history reports."""

    SUBMITTED = "submitted"
    INCOMPLETE = "incomplete"  #: assets may be missed, because a bucket is incomplete
    PAUSED = "paused"
    RESUMED = "resumed"
    RATE = "rate"  #: the rate was changed
    PHASE = "phase"  #: a phase of a move began
    WAITING = "waiting"  #: the job waits for a component
    DEAD_LETTERS = "dead-letters"  #: dead letters of the job were replayed or discarded
    CANCELLED = "cancelled"  #: an operator asked to cancel
    ENDED = "ended"
    OTHER = "other"  #: recorded before notes had a kind, or by a later release

    @classmethod
    def _missing_(cls, value: object) -> "NoteKind":  # noqa: ARG003 - the signature of `enum`
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Note:
    """An entry in a job's history."""

    at_ms: int
    kind: NoteKind
    text: str  #: for people to read; no code depends on it


@dataclass(frozen=True, kw_only=True, slots=True)
class JobProgress:
    """How far a job is, for people to read. None: not known, or not yet."""

    documents: int | None = None  #: number of assets that the job processes, or of documents that the move copies
    done: int | None = None  #: number of them that are processed
    rate: float | None = None  #: recent speed, in items per second
    remaining_s: float | None = None
    counts: Mapping[ItemOutcome, int] | None = None  #: outcomes of the assets; None for moves
    held_s: float | None = None  #: duration for which writers waited at the switch of a move, in seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetCheckpoint:
    """The state from which an extractor resumes a job over assets, together with the job's chunks."""

    settled: int = 0  #: number of the first chunk that does not have all its results
    counts: Mapping[ItemOutcome, int] = field(default_factory=dict)  #: outcomes of the assets in settled chunks
    position: str | None = None  #: where the next chunk begins; None: the first, or after the outstanding chunks
    exhausted: bool = False  #: whether the last chunk was created and is settled


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveCheckpoint:
    """The state from which a mover resumes a move, together with the bucket map.

    A mark is a position in the order of the source's changes, as `BucketDocuments.mark` returns it.
    """

    first_mark: str | None = None  #: the mark from before the first copy; None: it has not begun
    after: Position | None = None  #: where the first copy continues; None: at the first document
    mark: str | None = None  #: everything before it was copied; None: the first copy is not complete
    attempts: int = 0  #: number of holds that were abandoned


Checkpoint: TypeAlias = AssetCheckpoint | MoveCheckpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    id: UUID  #: a time-UUID with the time of submission
    kind: str
    requested_by: str  #: name of the principal
    state: JobState = JobState.RUNNING
    reason: str = ""  #: why it failed or was cancelled
    ended_ms: int | None = None
    rate: float | None = None  #: items per second; None: unlimited
    progress: JobProgress = JobProgress()
    history: tuple[Note, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetJob(_Job):
    """A job over assets."""

    parameters: AssetJobParameters
    checkpoint: AssetCheckpoint = field(default_factory=AssetCheckpoint)

    @property
    def dry_run(self) -> bool:
        """Return whether the job changes nothing and counts what would change."""
        return self.parameters.dry_run


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveJob(_Job):
    """A move of a bucket. The bucket map decides how far it is; this record reports it."""

    parameters: MoveParameters
    checkpoint: MoveCheckpoint = MoveCheckpoint()

    @property
    def dry_run(self) -> bool:
        """Return False: a preview of a move is not a job."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableJob(_Job):
    """A job whose record cannot be decoded, because it is damaged or another release wrote it."""

    fault: str  #: what is wrong with the record

    @property
    def dry_run(self) -> bool:
        """Return False: what was requested is unknown."""
        return False


Job: TypeAlias = AssetJob | MoveJob | UnreadableJob
