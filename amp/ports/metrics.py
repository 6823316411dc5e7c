"""The figures that services count, for operators to watch. Each service depends on the protocol of its subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ThreadMetrics(Protocol):
    def thread_failed(self, thread: str) -> None:
        """Count an unexpected error of a background thread, which is restarted after a pause."""
        ...


class ConsumerMetrics(Protocol):
    def dead_letter_stored(self) -> None:
        """Count a message that became a dead letter."""
        ...

    def consumer_stopped(self, group: str, stopped: bool) -> None:
        """Record whether a consumer group consumes nothing because too many messages would become dead letters."""
        ...


class JobMetrics(Protocol):
    def dead_letter_stored(self) -> None:
        """Count a job item that became a dead letter."""
        ...

    def assets_processed(self, kind: str, outcome: str, count: int) -> None:
        """Count assets that jobs of a kind processed with an outcome."""
        ...


class OutboxMetrics(Protocol):
    def version_dropped(self) -> None:
        """Count a version that was removed because newer ones exceed the number kept."""
        ...

    def intents_relayed(self, count: int) -> None:
        """Count change messages that the relay published in place of their writer."""
        ...


class IndexingMetrics(Protocol):
    def changes_indexed(self, count: int) -> None:
        """Count change messages of live traffic whose changes are in the index."""
        ...


class MoveMetrics(Protocol):
    def documents_moved(self, count: int) -> None:
        """Count documents that a move copied."""
        ...

    def writers_held(self, duration_s: float) -> None:
        """Record for how long the writers of a moving range waited at the switch, in seconds."""
        ...


@dataclass(frozen=True, slots=True)
class BucketFigures:
    name: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MapFigures:
    """The sizes of all buckets and the move in progress, for metrics."""

    buckets: Sequence[BucketFigures]
    move: tuple[str, str] | None  #: kind and phase of the move in progress; None: no move is in progress
