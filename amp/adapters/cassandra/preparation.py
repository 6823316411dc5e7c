"""What is made durable before a change: its intent and, for a creation, the rows of the reverse index."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from amp.adapters.cassandra.asset_listing import (
    INSERT_LISTED,
    INSERT_LISTED_AT,
    INSERT_SLOT,
    listing_times_us,
    places_of,
)
from amp.adapters.cassandra.intent_log import INSERT_INTENT, intent_values
from amp.adapters.cassandra.session import CassandraSession, Request
from amp.domain.assets import Change, State
from amp.domain.messages import Intent

#: Slots a process remembers having written; they are few unless history is imported.
_SLOTS_REMEMBERED = 100_000

Slot = tuple[str, int, int]


class Preparation:
    """One logged batch a change. Slots written before are left out of it: they are never removed."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._known_slots: set[Slot] = set()

    def write(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        """:raises StoreUnavailable: some of it may not be durable."""
        new_slots: set[Slot] = set()
        again = [change.after.id for change, _ in changes if _is_over_purged(change)]
        listed_us = listing_times_us(self._session, again) if again else {}
        self._session.rows_of_many([self._request(change, intent, new_slots, listed_us) for change, intent in changes])
        if len(self._known_slots) > _SLOTS_REMEMBERED:
            self._known_slots.clear()
        self._known_slots |= new_slots

    def _request(self, change: Change, intent: Intent, new_slots: set[Slot], listed_us: Mapping[UUID, int]) -> Request:
        # Type, project and creation time never change, so only a creation has rows to add.
        if change.before is not None and not _is_over_purged(change):
            return INSERT_INTENT, intent_values(intent)
        steps, values = [INSERT_INTENT], list[Any](intent_values(intent))
        for place in places_of(change.after):
            at_us = listed_us.get(change.after.id)
            steps.append(INSERT_LISTED if at_us is None else INSERT_LISTED_AT)
            values += (*place, change.after.id) if at_us is None else (*place, change.after.id, at_us)
            if place not in self._known_slots:
                steps.append(INSERT_SLOT)
                values += place
                new_slots.add(place)
        return f"BEGIN BATCH {'; '.join(steps)}; APPLY BATCH", tuple(values)


def _is_over_purged(change: Change) -> bool:
    """Whether it creates an asset that was purged before."""
    return change.before is not None and change.before.state is State.PURGED
