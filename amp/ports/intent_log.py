"""Intents: the durable notes that make sure every applied change gets its event, whatever dies in between."""

from collections.abc import Sequence
from typing import Protocol

from amp.domain.messages import Intent


class IntentLog(Protocol):
    """`AssetStore.prepare` writes them; whoever knows an event delivered clears them."""

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        """Up to `limit` intents that are due (`Intent.is_due`), about oldest first. They stay until they are cleared or
        deferred.

        Clocks of writers and relays may be wrong by up to a day. Intents of a clock that was wrong are found within an
        hour of calls, and at once by the log whose caller's clock was set back: those that are due in the past, and
        those that were recorded or deferred by a clock that was ahead.

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
