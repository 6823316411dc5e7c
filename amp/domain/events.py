"""Events say which asset changed, never what it looks like, so that replay and reordering are harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from amp.domain.assets import Change, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An asset reached a revision; keyed by asset id on its way."""

    asset_id: UUID
    version: int
    revision: int
    scope: Scope
    change_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """A durable note that an asset is about to change, kept until its event is delivered."""

    event: Event
    recorded_ms: int  #: when the writer made it; a condition is never sent 30 s past this
    due_ms: int  #: when the relay should look at it


def event_of(change: Change) -> Event:
    after = change.after
    return Event(
        asset_id=after.id,
        version=after.version,
        revision=after.revision,
        scope=change.scope,
        change_id=after.change_id,
    )


def event_json(event: Event) -> dict[str, Any]:
    """The event as it travels; the inverse of `event_from_json`."""
    return {
        "asset_id": str(event.asset_id),
        "version": event.version,
        "revision": event.revision,
        "scope": event.scope.value,
        "change_id": str(event.change_id),
    }


def event_from_json(data: Mapping[str, Any]) -> Event:
    """:raises ValueError, KeyError, TypeError: `data` is no event."""
    return Event(
        asset_id=UUID(str(data["asset_id"])),
        version=int(data["version"]),
        revision=int(data["revision"]),
        scope=Scope(data["scope"]),
        change_id=UUID(str(data["change_id"])),
    )
