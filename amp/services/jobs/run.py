"""The state of a job over assets in the extractor that runs it."""

from collections import Counter
from dataclasses import dataclass, field

from amp.domain.chunks import Chunk, ItemOutcome
from amp.domain.jobs import AssetCheckpoint, AssetJob, JobProgress
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.selection import Selection
from amp.services.runtime.leases import LeaseKeeper


@dataclass(slots=True)
class JobRun:
    """The progress of a job and its outstanding chunks. All of it can be rebuilt from the checkpoint and the chunks."""

    job: AssetJob
    selection: Selection
    pace: JobPace
    lease: LeaseKeeper
    settled: int  #: number of the first chunk without all its results
    counts: Counter[ItemOutcome]  #: outcomes of the assets in settled chunks
    position: str | None  #: where the next chunk begins
    exhausted: bool  #: whether the last chunk was created
    saved: AssetCheckpoint  #: the checkpoint as it was last read or saved
    outstanding: list[Chunk] = field(default_factory=list)
    to_remove: list[int] = field(default_factory=list)  #: settled chunks to remove once the checkpoint is saved
    selected: int = 0  #: assets in all chunks so far
    sent_s: float = 0.0
    mark: str | None = None  #: the queue's mark behind all items that were sent; None: not read yet
    saved_s: float = float("-inf")
    speed: float | None = None  #: recent speed in assets per second
    measured: tuple[float, int] = (0.0, 0)  #: time of the last measurement, and the number of assets settled then

    @property
    def next_number(self) -> int:
        return self.settled + len(self.outstanding)

    @property
    def accounted(self) -> int:
        return sum(self.counts.values())

    def add(self, chunk: Chunk) -> None:
        """Add the next chunk, created now or by an earlier extractor."""
        self.outstanding.append(chunk)
        self.selected += len(chunk.ids) + chunk.passed
        sample = self.job.parameters.sample
        self.position = chunk.position
        self.exhausted = chunk.position is None or (sample is not None and self.selected >= sample)

    def measure(self, now_s: float) -> None:
        if now_s - self.measured[0] >= 1:
            speed = (self.accounted - self.measured[1]) / (now_s - self.measured[0])
            self.speed = speed if self.speed is None else self.speed * 0.7 + speed * 0.3
            self.measured = (now_s, self.accounted)

    def checkpoint(self) -> AssetCheckpoint:
        return AssetCheckpoint(
            settled=self.settled,
            counts=dict(self.counts),
            # The position after outstanding chunks is stored with the chunks.
            position=None if self.outstanding else self.position,
            exhausted=self.exhausted and not self.outstanding,
        )

    def progress(self) -> JobProgress:
        about = self.selected if self.exhausted else self.job.parameters.about
        total = None if about is None else max(about, self.selected)
        left = None if total is None else total - self.accounted
        return JobProgress(
            documents=total,
            done=self.accounted,
            counts={outcome: self.counts[outcome] for outcome in ItemOutcome},
            rate=None if self.speed is None else round(self.speed, 1),
            remaining_s=round(left / self.speed) if left is not None and self.speed else None,
        )
