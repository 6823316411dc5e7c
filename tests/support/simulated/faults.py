"""What may go wrong with a call, and how often in one run: some runs are calm, others full of deaths or delays."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial


class Fate(Enum):
    DONE = "done"
    REFUSED = "refused"  #: an error, and no effect
    ANSWER_LOST = "answer lost"  #: an error, and all the effect
    LATE = "late"  #: an error now, the effect later
    TWICE = "twice"  #: the effect now, and later once more, as when a client repeats what it believed lost
    KILLED = "killed"
    KILLED_AFTER = "killed after"


_FAULTS = tuple(fate for fate in Fate if fate is not Fate.DONE)
#: Weights of `_FAULTS`; a run has one of them.
_MIXTURES = (
    (1, 1, 1, 1, 1, 1),
    (4, 3, 1, 0, 0, 0),
    (0, 1, 4, 3, 1, 1),
    (0, 0, 0, 0, 2, 1),
)
_RATES = (0.0, 0.01, 0.03, 0.1)
_NAP_RATES = (0.0, 0.003, 0.01, 0.03)
#: How the calls begin that a run may be hardest on.
_FOCUSES = ("aliases", "block", "unblock", "map", "refresh", "put", "copy", "delete", "drop", "page", "read heads")
_STALL_RATES = (0.0, 0.02, 0.2)


@dataclass
class Faults:
    rate: float = 0.0
    weights: tuple[int, ...] = _MIXTURES[0]
    nap_rate: float = 0.0
    longest_nap_s: float = 20.0
    shortness: float = 3.0  #: the higher, the shorter most naps are
    focus: tuple[str, ...] = ()
    focused_rate: float = 0.2
    stall_rate: float = 0.0
    refusing: bool = False  #: indices refuse writes for a while
    active: bool = True

    @classmethod
    def of(cls, chance: random.Random) -> Faults:
        """Those of one run."""
        if chance.random() < 0.5:
            return chance.choice(tuple(HARD.values()))()
        return cls(
            rate=chance.choice(_RATES),
            weights=chance.choice(_MIXTURES),
            nap_rate=chance.choice(_NAP_RATES),
            longest_nap_s=chance.choice((1.0, 5.0, 40.0)),
            focus=tuple(chance.sample(_FOCUSES, chance.choice((0, 1, 2, 3)))),
            stall_rate=chance.choice(_STALL_RATES),
            refusing=chance.random() < 0.3,
        )

    def calm(self) -> None:
        """From now on all goes well."""
        self.rate = self.nap_rate = 0.0
        self.stall_rate, self.focus, self.active = 0.0, (), False

    def fate(self, chance: random.Random, what: str) -> Fate:
        rate = self.focused_rate if self.rate and self._in_focus(what) else self.rate
        return Fate.DONE if chance.random() >= rate else chance.choices(_FAULTS, self.weights)[0]

    def nap_s(self, chance: random.Random) -> float:
        """How long somebody stands still who could go on."""
        return 0.0 if chance.random() >= self.nap_rate else self.lateness_s(chance)

    def nap_before_s(self, chance: random.Random, what: str) -> float:
        """How long somebody stands still before that call."""
        return self.lateness_s(chance) if self._in_focus(what) and chance.random() < self.focused_rate else 0.0

    def stall_s(self, chance: random.Random) -> float:
        """How long a server takes for one step of a request."""
        return 0.0 if chance.random() >= self.stall_rate else self.lateness_s(chance)

    def lateness_s(self, chance: random.Random) -> float:
        """How long a call is on its way after its caller gave it up."""
        return self.longest_nap_s * chance.random() ** self.shortness

    def _in_focus(self, what: str) -> bool:
        return what.startswith(self.focus)


#: Weather that each time met what other weather met too seldom.
HARD: dict[str, Callable[[], Faults]] = {
    "servers stall": partial(Faults, stall_rate=0.2, longest_nap_s=5.0),
    "servers stall often, movers sleep before aliases change": partial(
        Faults, stall_rate=0.5, longest_nap_s=2.0, focus=("aliases",), focused_rate=0.6
    ),
    "servers stall, movers sleep before aliases change": partial(
        Faults, stall_rate=0.2, longest_nap_s=5.0, focus=("aliases",), focused_rate=0.6
    ),
    "all take seconds": partial(
        Faults, stall_rate=0.2, longest_nap_s=4.0, shortness=1.0, focus=("aliases",), focused_rate=0.8
    ),
    "writers sleep": partial(Faults, longest_nap_s=40.0, focus=("put",), focused_rate=0.3),
    "writers and movers sleep": partial(
        Faults, stall_rate=0.05, longest_nap_s=10.0, focus=("put", "aliases"), focused_rate=0.4
    ),
    "buckets refuse writes": partial(
        Faults, rate=0.02, weights=(4, 1, 1, 0, 0, 0), focus=("publish",), focused_rate=0.6, refusing=True
    ),
    "movers sleep": partial(Faults, longest_nap_s=40.0, focus=("aliases", "drop", "unblock"), focused_rate=0.3),
}
