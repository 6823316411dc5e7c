"""The log of intents: durable notes that ensure that every applied change is published, whichever process is killed.

An intent is *due* from its `due_ms` on (see `Intent.is_due`). To *defer* it is to make it due later.
"""

from collections.abc import Sequence
from typing import Protocol

from amp.domain.messages import Intent


class IntentLog(Protocol):
    """`AssetStore.prepare` writes the intents. They are cleared once their messages are known to be delivered."""

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        """Return up to `limit` intents that are due, approximately oldest first. They stay in the log until they are
        cleared or deferred.

        The clocks of writers and relays may be wrong by up to a day. Two kinds of intents that a wrong clock wrote are
        found as well: those that are due in the past, and those that were recorded or deferred by a clock that was
        ahead. They are returned within an hour of repeated calls, and at once by the log of a process whose own clock
        was set back.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def clear(self, intents: Sequence[Intent]) -> None:
        """Remove these intents. Intents that are not in the log are ignored.

        :raises StoreUnavailable: some may remain; clear them again.
        """
        ...

    def defer(self, intent: Intent, due_ms: int) -> None:
        """Replace `intent` by the same intent with a later `due_ms`. After a crash in between, at least one of the two
        remains.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
