"""The state that all clients of random operations share, so that they use the same assets."""

import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from amp.domain.ids import mint_at
from tests.chaos.random_operations.request_log import Request

TYPE = "random_clip"
PROJECTS = ("red", "blue")
LABELS = tuple(f"label{n}" for n in range(6))
_NAMES, _IDS, _RECENT = 40, 60, 150
_HOUR_MS = 3_600_000


@dataclass
class Known:
    ids: list[UUID]  #: that clients bring
    names: list[tuple[str, str]]
    recent: list[UUID] = field(default_factory=list)
    #: The asset of each name, by the latest answer.
    bearers: dict[tuple[str, str], UUID] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)
    #: Creations that can be asked for again: the request, its key and body.
    keyed: list[tuple[Request, str, dict[str, Any]]] = field(default_factory=list)
    bulks: list[tuple[list[Request], str, list[dict[str, Any]]]] = field(default_factory=list)

    def saw(self, asset_id: UUID) -> None:
        self.recent.append(asset_id)
        del self.recent[:-_RECENT]


def known(choices: random.Random) -> Known:
    now_ms = time.time_ns() // 1_000_000
    ids = [mint_at(now_ms - choices.randrange(1, 240) * _HOUR_MS // 2) for _ in range(_IDS)]
    return Known(ids, [(choices.choice(PROJECTS), f"name{n}") for n in range(_NAMES)])
