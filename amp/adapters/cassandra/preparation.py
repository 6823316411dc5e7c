"""Makes durable, before a change is applied, its intent and, for a creation, the rows of the reverse index."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from amp.adapters.cassandra.asset_listing import (
    INSERT_LISTED,
    INSERT_LISTED_AT,
    INSERT_SLOT,
    listing_times_us,
    partitions_of,
)
from amp.adapters.cassandra.intent_log import INSERT_INTENT, intent_values
from amp.adapters.cassandra.session import CassandraSession, Request
from amp.domain.assets import Change, State
from amp.domain.messages import Intent

#: Maximum number of written slots that a process remembers. There are few, unless old assets are imported.
_MAX_KNOWN_SLOTS = 100_000

Slot = tuple[str, int, int]


class Preparation:
    """Writes one logged batch per change. Slots that were written before are left out: slots are never removed."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._known_slots: set[Slot] = set()

    def write(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        """Write the intents and the rows of the reverse index for these changes.

        :raises StoreUnavailable: some may not be durable.
        """
        new_slots: set[Slot] = set()
        recreated = [change.after.id for change, _ in changes if _is_over_purged(change)]
        listed_us = listing_times_us(self._session, recreated) if recreated else {}
        self._session.rows_of_many([self._request(change, intent, new_slots, listed_us) for change, intent in changes])
        if len(self._known_slots) > _MAX_KNOWN_SLOTS:
            self._known_slots.clear()
        self._known_slots |= new_slots

    def _request(self, change: Change, intent: Intent, new_slots: set[Slot], listed_us: Mapping[UUID, int]) -> Request:
        # Type, project and creation time never change, so only a creation has rows to add.
        if change.before is not None and not _is_over_purged(change):
            return INSERT_INTENT, intent_values(intent)
        steps, values = [INSERT_INTENT], list[Any](intent_values(intent))
        for partition in partitions_of(change.after):
            at_us = listed_us.get(change.after.id)
            steps.append(INSERT_LISTED if at_us is None else INSERT_LISTED_AT)
            values += (*partition, change.after.id) if at_us is None else (*partition, change.after.id, at_us)
            if partition not in self._known_slots:
                steps.append(INSERT_SLOT)
                values += partition
                new_slots.add(partition)
        return f"BEGIN BATCH {'; '.join(steps)}; APPLY BATCH", tuple(values)


def _is_over_purged(change: Change) -> bool:
    """Return whether the change creates an asset that was purged before."""
    return change.before is not None and change.before.state is State.PURGED
