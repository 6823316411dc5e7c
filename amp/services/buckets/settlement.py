"""Repeats writes into buckets until each is settled, whatever the map, the indices and moves are at meanwhile."""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from amp.domain.buckets import BucketMap
from amp.errors import NotMigrated, Retryable
from amp.services.buckets.aliases import MapChanged, MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.runtime.retry import Backoff, Stopped

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_BUSY = Backoff(max_s=5.0)
#: A move holds writers for less than a second.
_STALE = Backoff(max_s=0.2)
#: After waiting that long, the step that should let writers through is taken from here: whoever moves may be dead.
_HELP_AFTER_S = 3.0

#: Takes over assets whose bucket refuses writes; False: it cannot, they have to be tried again.
SetAside = Callable[[Collection[UUID]], bool]


@dataclass(frozen=True, slots=True)
class Unsettled(Generic[_T]):
    """Writes to be sent again."""

    stale: list[_T]  #: routed anew after a refresh of the map
    busy: list[_T]  #: as they are


@dataclass(frozen=True, kw_only=True, slots=True)
class Writes(Generic[_T]):
    """How things of one kind are written."""

    send: Callable[[BucketMap, Sequence[_T]], Unsettled[_T]]
    without_refused: Callable[[list[_T]], list[_T]]  #: leaves out what is set aside as its bucket refuses writes
    give_up: Callable[[list[_T]], bool]  #: sets all of them aside; False: it cannot


@dataclass(slots=True)
class Patience:
    """The pauses that the writes of one call may still take together, in seconds."""

    left_s: float = float("inf")

    @property
    def is_over(self) -> bool:
        return self.left_s <= 0


@dataclass(frozen=True, kw_only=True)
class WriteSettlement:
    maps: BucketMaps
    aliases: MoveAliases

    def run(self, writes: Writes[_T], items: list[_T], stop: threading.Event, patience: Patience | None = None) -> None:
        """Send the items, and again what is not settled.

        :param patience: less by the pauses that this takes; once it is over, what is left is given up.
        :raises Stopped: `stop` was set before all were settled.
        """
        patience = patience or Patience()
        pending = writes.without_refused(items)
        rounds, waited_s, helped_s = 0, 0.0, 0.0
        while pending and not (patience.is_over and writes.give_up(pending)):
            rounds += 1
            unsettled = writes.send(self.maps.current(), pending)
            if unsettled.stale:
                self._refresh_map()
            pending = writes.without_refused([*unsettled.stale, *unsettled.busy])
            if pending:
                reason = "stale bucket map" if unsettled.stale else "index busy"
                _log.info("writes to repeat", action="writes_repeated", count=len(pending), reason=reason)
                pause_s = (_STALE if unsettled.stale else _BUSY).pause_s(rounds)
                if stop.wait(pause_s):
                    raise Stopped
                waited_s += pause_s
                patience.left_s -= pause_s
                if waited_s - helped_s > _HELP_AFTER_S and self._help_move():
                    helped_s = waited_s

    def _refresh_map(self) -> None:
        try:
            self.maps.refresh()
        except (Retryable, NotMigrated) as e:
            _log.warning("no newer bucket map", action="map_refresh_failed", reason=str(e))

    def _help_move(self) -> bool:
        """False: the move went on meanwhile; look again after the next pause if writers still wait then."""
        try:
            self.aliases.settle(self.maps.refresh())
        except MapChanged:
            return False
        except (Retryable, NotMigrated) as e:
            _log.warning("move not helped", action="move_help_failed", reason=str(e))
        return True
