"""Intents: the durable notes that make sure every applied change gets its event, whatever dies in between."""

from collections.abc import Sequence
from typing import Protocol

from amp.domain.events import Intent


class IntentLog(Protocol):
    """`AssetStore.prepare` writes them; whoever knows an event delivered clears them."""

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        """Up to `limit` intents with `due_ms <= now_ms`, about oldest first. They stay until cleared or deferred.

        Clocks of writers and of the caller may be wrong by up to a day: within an hour of calls all intents are found
        that were due in the past by a writer's clock, or were recorded in the future.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def clear(self, intents: Sequence[Intent]) -> None:
        """Forget these intents. Clearing one that is not there does nothing.

        :raises StoreUnavailable: some may be left; clear them again.
        """
        ...

    def defer(self, intent: Intent, due_ms: int) -> None:
        """Replace `intent` by the same at a later `due_ms`. A crash in between leaves at least one of the two.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
