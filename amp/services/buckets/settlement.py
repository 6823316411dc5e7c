"""Repeats writes into buckets until each is settled, through changes of the map, busy indices and moves."""

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
#: A move usually holds writers for less than a second.
_STALE = Backoff(max_s=0.2)
#: After waiting this long, a writer takes the step itself that lets writers through: the mover may have been killed.
_HELP_AFTER_S = 3.0

#: Takes over assets whose bucket refuses writes. False: it cannot; they have to be tried again.
SetAside = Callable[[Collection[UUID]], bool]


@dataclass(frozen=True, slots=True)
class Unsettled(Generic[_T]):
    """Writes to be sent again."""

    stale: list[_T]  #: routed again after a refresh of the map
    busy: list[_T]  #: sent again unchanged


@dataclass(frozen=True, kw_only=True, slots=True)
class Writes(Generic[_T]):
    """The operations that write items of one kind."""

    send: Callable[[BucketMap, Sequence[_T]], Unsettled[_T]]
    without_refused: Callable[
        [list[_T]], list[_T]
    ]  #: returns the items except those deferred because their bucket refuses writes
    give_up: Callable[[list[_T]], bool]  #: defers all of them; False: it cannot


@dataclass(slots=True)
class Patience:
    """The total time that the writes of one call may still wait, in seconds."""

    left_s: float = float("inf")

    @property
    def is_over(self) -> bool:
        return self.left_s <= 0


@dataclass(frozen=True, kw_only=True)
class WriteSettlement:
    maps: BucketMaps
    aliases: MoveAliases

    def run(self, writes: Writes[_T], items: list[_T], stop: threading.Event, patience: Patience | None = None) -> None:
        """Send the items, and repeat those that are not settled.

        :param patience: decreases by the pauses of this call; once it is over, the remaining items are deferred.
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
                _log.info("retrying writes", action="writes_retried", count=len(pending), reason=reason)
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
            _log.warning("could not refresh bucket map", action="map_refresh_failed", reason=str(e))

    def _help_move(self) -> bool:
        """Advance the move. Return False if it has advanced meanwhile; try again after the next pause if writers still
        wait.
        """
        try:
            self.aliases.settle(self.maps.refresh())
        except MapChanged:
            return False
        except (Retryable, NotMigrated) as e:
            _log.warning("could not advance move", action="move_help_failed", reason=str(e))
        return True
