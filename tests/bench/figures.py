"""A figure, the bound it has to keep, and the table they are shown in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from rich.console import Console
from rich.table import Table

from tests.support.percentile import percentile


@dataclass(frozen=True, kw_only=True)
class Figure:
    what: str
    measured: float
    unit: str
    bound: float
    at_least: bool  #: False: the bound is an upper one
    detail: str = ""

    @property
    def kept(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def median_ms(call: Callable[[], object], times: int, warm_up: int = 10) -> float:
    """The median time of one call, in milliseconds."""
    return medians_ms((call,), times, warm_up)[0]


def medians_ms(calls: Sequence[Callable[[], object]], times: int, warm_up: int) -> list[float]:
    """The median time of each call, in milliseconds; they take turns."""
    took = [[_timed(call) for call in calls] for _ in range(warm_up + times)][warm_up:]
    return [percentile(each, 0.5) * 1000 for each in zip(*took, strict=True)]


def _timed(call: Callable[[], object]) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def show(figures: Sequence[Figure]) -> None:
    table = Table("what", "measured", "bound", "kept", "how", title="Speed")
    for f in figures:
        sign = "≥" if f.at_least else "≤"
        table.add_row(
            f.what, f"{f.measured:.3g} {f.unit}", f"{sign} {f.bound:g} {f.unit}", "yes" if f.kept else "NO", f.detail
        )
    Console(width=150).print(table)
