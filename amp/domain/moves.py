"""Moves: a range of one bucket on its way into another index, as the bucket map records it (ADR 007)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class MoveKind(StrEnum):
    """The same machine with other arguments."""

    ROLL = "roll"  #: the end of a bucket, empty as a rule, into a new index
    SPLIT = "split"  #: the end of a bucket into a new index
    MERGE = "merge"  #: all of a bucket into the index of the bucket before it
    REBUILD = "rebuild"  #: all of a bucket into a new index, which takes its place


MOVE_KINDS = frozenset(MoveKind)


class Phase(StrEnum):
    PLAN = "plan"  #: the target is being made; nobody writes to it
    DUAL = "dual"  #: writers write to both; what was there before is being copied
    HOLD = "hold"  #: writers wait; the last of the source is copied, then searches switch in one call
    SWITCHED = "switched"  #: searches and writers use the target; the source still holds what moved
    CANCELLED = "cancelled"  #: everything goes back to what it was before


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Documents created in `[start_s, end_s)` move from the index `source` to the index `target`.

    Tokens are map generations. No two phases of any move ever share one, so an alias tells exactly how far it is.
    """

    id: UUID  #: of the job that shows it
    kind: MoveKind
    source: str
    target: str
    start_s: int
    end_s: int | None  #: None: no end
    phase: Phase
    phase_token: int  #: the generation that began this phase
    dual_token: int  #: what writers use in DUAL and HOLD; 0 before
    switch_token: int  #: goes live before the map that tells of it: reserved by PLAN, the same for every attempt
    reason: str = ""  #: why it was cancelled

    @property
    def writes_both(self) -> bool:
        return self.phase is Phase.DUAL or self.phase is Phase.HOLD

    @property
    def start_ms(self) -> int:
        return self.start_s * 1000

    @property
    def end_ms(self) -> int | None:
        return None if self.end_s is None else self.end_s * 1000

    def covers(self, created_ms: int) -> bool:
        return self.start_ms <= created_ms and (self.end_s is None or created_ms < self.end_s * 1000)


def move_json(move: Move) -> dict[str, Any]:
    """The inverse of `move_from_json`."""
    return {
        "id": str(move.id),
        "kind": move.kind.value,
        "source": move.source,
        "target": move.target,
        "start_s": move.start_s,
        "end_s": move.end_s,
        "phase": move.phase.value,
        "phase_token": move.phase_token,
        "dual_token": move.dual_token,
        "switch_token": move.switch_token,
        "reason": move.reason,
    }


def move_from_json(data: Mapping[str, Any]) -> Move:
    """:raises ValueError, KeyError, TypeError: `data` is no move."""
    parsed = {"id": UUID(data["id"]), "kind": MoveKind(data["kind"]), "phase": Phase(data["phase"])}
    return Move(**{**data, **parsed})
