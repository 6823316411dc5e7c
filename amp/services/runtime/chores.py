"""Periodic chores of a worker loop. A chore that fails stops neither the others nor the loop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import structlog

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.services.runtime.retry import Backoff

_log = structlog.get_logger(__name__)
_PAUSES = Backoff(first_s=1.0, max_s=300.0)


@dataclass(eq=False, slots=True)
class _Chore:
    call: Callable[[], object]  #: decides itself whether it is due
    failures: int = 0  #: failures in a row
    due_s: float = float("-inf")


@dataclass(frozen=True, kw_only=True)
class Chores:
    """Runs periodic chores. Each chore is called in every round of the loop; after a failure, only after a growing
    pause.
    """

    clock: Clock
    chores: Mapping[str, Callable[[], object]]

    @cached_property
    def _chores(self) -> "dict[str, _Chore]":
        return {name: _Chore(call) for name, call in self.chores.items()}

    def run(self) -> None:
        """Run the chores that are due. Their exceptions are logged and not raised."""
        for name, chore in self._chores.items():
            if self.clock.monotonic_s() < chore.due_s:
                continue
            try:
                chore.call()
                chore.failures = 0
            except Exception as e:  # noqa: BLE001 - whatever is wrong with one chore, the others have to be done
                chore.failures += 1
                pause_s = _PAUSES.pause_s(chore.failures)
                chore.due_s = self.clock.monotonic_s() + pause_s
                log = _log.warning if isinstance(e, Retryable) else _log.exception
                log("chore failed", action="chore_failed", chore=name, reason=repr(e), again_in_s=round(pause_s, 1))
