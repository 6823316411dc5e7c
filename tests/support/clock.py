"""A clock that goes on only when a test says so, or when somebody sleeps by it."""


class ManualClock:
    """Starts at zero. `wall_ms` is set apart from `now_s`, as the wall clock may jump; until then it follows."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.wall_ms: int | None = None
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return int(self.now_s * 1000) if self.wall_ms is None else self.wall_ms

    def monotonic_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
