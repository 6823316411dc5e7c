"""Messages name the asset that changed but never contain its state, so that replay and reordering are harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from amp.domain.assets import Change, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetChanged:
    """An asset reached a revision."""

    asset_id: UUID
    version: int
    revision: int
    scope: Scope
    change_id: UUID

    @property
    def key(self) -> str:
        """Return the key of the message. Messages with the same key stay in order in the queue."""
        return str(self.asset_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """A durable note that an asset is about to change, kept until its change message is delivered."""

    message: AssetChanged
    recorded_ms: int  #: when the writer recorded it; its conditional write is never sent more than 30 s later
    due_ms: int  #: when the relay should read it

    def is_due(self, now_ms: int) -> bool:
        """Return whether `due_ms` has passed. An intent is also due if its `due_ms` is further ahead than any correct
        clock would have set it.
        """
        return not now_ms < self.due_ms <= now_ms + deferral_ms(now_ms - self.recorded_ms) + DEFERRAL_SLACK_MS


#: Bounds of a deferral. Within them, an intent whose change is not applied yet is deferred by its own age.
MIN_DEFERRAL_MS, MAX_DEFERRAL_MS = 5_000, 2 * 3_600_000
#: A new intent is due within half of this time (`Settings.intent_grace_s`). The other half allows for the differences
#: between clocks, as long as none is wrong.
DEFERRAL_SLACK_MS = 120_000


def deferral_ms(age_ms: int) -> int:
    """Return how long an intent of that age is deferred, in milliseconds."""
    return min(max(age_ms, MIN_DEFERRAL_MS), MAX_DEFERRAL_MS)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobItem:
    """A job must process an asset."""

    job_id: UUID
    chunk: int  #: the part of the job that selected the asset
    asset_id: UUID
    replayed: bool = False  #: the item was a dead letter and was replayed; the job may have ended

    @property
    def key(self) -> str:
        """Return the key of the message. A whole chunk shares it, so that few batches record its results."""
        return f"{self.job_id}:{self.chunk}"


#: A message in the queue.
Message = AssetChanged | JobItem
AnyMessage = TypeVar("AnyMessage", bound=Message)


def message_of(change: Change) -> AssetChanged:
    """Return the message that reports the change."""
    after = change.after
    return AssetChanged(
        asset_id=after.id,
        version=after.version,
        revision=after.revision,
        scope=change.scope,
        change_id=after.change_id,
    )


def message_json(message: Message) -> dict[str, Any]:
    """Return the message in the JSON form of the queue; the inverse of `message_from_json`."""
    if isinstance(message, JobItem):
        return {
            "job_id": str(message.job_id),
            "chunk": message.chunk,
            "asset_id": str(message.asset_id),
            "replayed": message.replayed,
        }
    return {
        "asset_id": str(message.asset_id),
        "version": message.version,
        "revision": message.revision,
        "scope": message.scope.value,
        "change_id": str(message.change_id),
    }


def message_from_json(data: Mapping[str, Any]) -> Message:
    """Return the message that `message_json` encoded.

    :raises ValueError, KeyError, TypeError: `data` is not a message.
    """
    if "job_id" in data:
        return JobItem(
            job_id=UUID(str(data["job_id"])),
            chunk=int(data["chunk"]),
            asset_id=UUID(str(data["asset_id"])),
            replayed=bool(data["replayed"]),
        )
    return AssetChanged(
        asset_id=UUID(str(data["asset_id"])),
        version=int(data["version"]),
        revision=int(data["revision"]),
        scope=Scope(data["scope"]),
        change_id=UUID(str(data["change_id"])),
    )
