"""The clock of tests that decide themselves what time it is."""

from dataclasses import dataclass, field


@dataclass
class ManualClock:
    """Stands still until a test sets `now_s` or somebody sleeps."""

    now_s: float = 0.0
    epoch_ms: int = 0  #: the wall clock while `now_s` is zero
    tick_s: float = 0.0  #: by how much each read of `monotonic_s` advances it
    wall_ms: int | None = None  #: the wall clock, set independently of `now_s`; None: it advances with `now_s`
    slept: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.epoch_ms + int(self.now_s * 1000) if self.wall_ms is None else self.wall_ms

    def monotonic_s(self) -> float:
        self.now_s += self.tick_s
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
