"""Moves: a time range of one bucket that moves to another index, as the bucket map records it (ADR 007)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any
from uuid import UUID


class MoveKind(StrEnum):
    """The kinds of moves. All follow the same protocol, with different arguments."""

    ROLL = "roll"  #: the end of a bucket, normally empty, to a new index
    SPLIT = "split"  #: the end of a bucket to a new index
    MERGE = "merge"  #: a whole bucket to the index of the bucket before it
    REBUILD = "rebuild"  #: a whole bucket to a new index, which replaces its index


MOVE_KINDS = frozenset(MoveKind)


class Phase(StrEnum):
    PLAN = "plan"  #: the target is being created; no writer uses it
    DUAL = "dual"  #: writers write to both indices; the earlier documents are being copied
    HOLD = "hold"  #: writers wait; the last changes of the source are copied, then searches switch in one call
    SWITCHED = "switched"  #: searches and writers use the target; the source still has the documents that moved
    CANCELLED = "cancelled"  #: everything returns to the state before the move


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Documents created in `[start_s, end_s)` move from the index `source` to the index `target`.

    Tokens are map generations. No two phases of any move ever share a token, so an alias identifies the phase exactly.
    """

    id: UUID  #: the id of the job that reports the move
    kind: MoveKind
    source: str
    target: str
    start_s: int
    end_s: int | None  #: None: no end
    phase: Phase
    phase_token: int  #: the map generation that began this phase
    dual_token: int  #: the token of the aliases that writers use in DUAL and HOLD; 0 before
    switch_token: int  #: reserved in PLAN, because the switch uses it before the map says so; same for every attempt
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
    """Return the move in JSON form; the inverse of `move_from_json`."""
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
    """Return the move that `move_json` encoded. Members of a later release are ignored.

    :raises ValueError, KeyError, TypeError: `data` is not a move.
    """
    parsed = {"id": UUID(data["id"]), "kind": MoveKind(data["kind"]), "phase": Phase(data["phase"])}
    known = {field.name: data[field.name] for field in fields(Move) if field.name in data}
    return Move(**{**known, **parsed})
