"""The intent log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from amp.domain.messages import Intent
from amp.errors import StoreUnavailable
from tests.support.simulated.scheduler import Scheduler


def _lost() -> NoReturn:
    raise StoreUnavailable("lost by the scheduler")


class SimulatedIntents:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.open: dict[Intent, None] = {}

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        def read() -> list[Intent]:
            found = [intent for intent in self.open if intent.is_due(now_ms)]
            return sorted(found, key=lambda intent: intent.due_ms)[:limit]

        return self._scheduler.call("due intents", read, _lost)

    def clear(self, intents: Sequence[Intent]) -> None:
        def clear() -> None:
            for intent in intents:
                self.open.pop(intent, None)

        self._scheduler.call(f"clear {len(intents)} intents", clear, _lost)

    def defer(self, intent: Intent, due_ms: int) -> None:
        def defer() -> None:
            self.open.pop(intent, None)
            self.open[replace(intent, due_ms=due_ms)] = None

        self._scheduler.call("defer intent", defer, _lost)
