"""A job over assets as the process that runs it knows it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amp.domain.chunks import Chunk, ItemOutcome
from amp.domain.jobs import Job
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.selection import Selection
from amp.services.runtime.leases import LeaseKeeper


@dataclass(slots=True)
class JobRun:
    """All of it can be had back from the job's checkpoint and its chunks."""

    job: Job
    selection: Selection
    pace: JobPace
    lease: LeaseKeeper
    settled: int  #: chunks below this are accounted for
    counts: Counter[str]  #: of their assets, by outcome
    position: str | None  #: where the next chunk begins
    exhausted: bool  #: the last chunk was made
    saved: Mapping[str, Any]  #: the checkpoint as it was read or saved last
    outstanding: list[Chunk] = field(default_factory=list)
    to_forget: list[int] = field(default_factory=list)  #: settled chunks, once the checkpoint is past them
    selected: int = 0  #: in all chunks so far
    sent_s: float = 0.0
    mark: str | None = None  #: of the queue, behind all that was sent; None: not looked up yet
    saved_s: float = float("-inf")
    speed: float | None = None  #: assets a second, of late
    measured: tuple[float, int] = (0.0, 0)  #: when, and how many were accounted for then

    @property
    def next_number(self) -> int:
        return self.settled + len(self.outstanding)

    @property
    def accounted(self) -> int:
        return sum(self.counts.values())

    def take_up(self, chunk: Chunk) -> None:
        """The chunk was made, now or by whoever ran the job before."""
        self.outstanding.append(chunk)
        self.selected += len(chunk.ids) + chunk.passed
        sample = self.job.parameters.get("sample")
        self.position = chunk.position
        self.exhausted = chunk.position is None or (sample is not None and self.selected >= sample)

    def measure(self, now_s: float) -> None:
        if now_s - self.measured[0] >= 1:
            speed = (self.accounted - self.measured[1]) / (now_s - self.measured[0])
            self.speed = speed if self.speed is None else self.speed * 0.7 + speed * 0.3
            self.measured = (now_s, self.accounted)

    def checkpoint(self) -> dict[str, Any]:
        return {
            "settled": self.settled,
            "counts": dict(self.counts),
            # Chunks that are outstanding tell where they end.
            "position": None if self.outstanding else self.position,
            "exhausted": self.exhausted and not self.outstanding,
        }

    def progress(self) -> dict[str, Any]:
        about = self.selected if self.exhausted else self.job.parameters.get("about")
        total = None if about is None else max(about, self.selected)
        left = None if total is None else total - self.accounted
        return {
            "documents": total,
            "done": self.accounted,
            "counts": {outcome.value: self.counts[outcome] for outcome in ItemOutcome},
            "rate": None if self.speed is None else round(self.speed, 1),
            "remaining_s": round(left / self.speed) if left is not None and self.speed else None,
        }
