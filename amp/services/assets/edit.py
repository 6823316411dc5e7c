"""Replaces, patches, deletes and restores one asset, under optimistic locking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tenacity import RetryError, TryAgain

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Content, Stamp, deletion, replacement, restoration
from amp.domain.preconditions import Precondition
from amp.domain.principals import Principal
from amp.errors import AssetDeleted, AssetNotFound, Conflict, OutcomeUnknown, RevisionMismatch
from amp.ports.asset_store import AssetReads, CommitStatus
from amp.ports.clock import Clock
from amp.services.assets.content import ContentValidation
from amp.services.outbox.commit import ChangeCommitter
from amp.services.runtime.retry import Backoff, attempts

#: Without If-Match, maximum attempts to recompute a change on top of a newer head.
ATTEMPTS = 8
_RACES = Backoff(first_s=0.02)


@dataclass(frozen=True, slots=True)
class NewContent:
    """Name, metadata and labels that an asset is to have, not validated yet."""

    name: str
    metadata: Mapping[str, Any]
    labels: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class AssetEditing:
    """Changes one asset at a time. Every success is a new revision on top of the one it was computed from. A change
    without effect returns the asset unchanged.
    """

    store: AssetReads
    committer: ChangeCommitter
    content_validation: ContentValidation
    clock: Clock

    def edit(
        self, asset_id: UUID, edit: Callable[[Asset], NewContent], precondition: Precondition, principal: Principal
    ) -> Asset:
        """Replace the content of the asset by the result of `edit`, which is called again if another writer won.

        :raises AssetNotFound, AssetDeleted: there is no such asset, or it is deleted.
        :raises RevisionMismatch: the precondition does not hold.
        :raises Unprocessable: the content is not valid.
        :raises Conflict: other writers kept changing it.
        :raises StoreUnavailable, OutcomeUnknown: the store does not answer.
        """

        def step(before: Asset, stamp: Stamp) -> Change | None:
            if before.state is State.DELETED:
                raise AssetDeleted(f"asset {asset_id} is deleted; restore it first", revision=before.revision)
            new = edit(before)
            content: Content = self.content_validation.check(before.type, new.name, new.metadata, new.labels)
            return replacement(before, content, stamp, self.content_validation.limits.versions_kept)

        return self._change(asset_id, step, precondition, principal)

    def delete(self, asset_id: UUID, precondition: Precondition, principal: Principal) -> Asset:
        """Delete the asset. A deleted one is returned unchanged. Raises as `edit` does."""
        return self._change(asset_id, deletion, precondition, principal)

    def restore(self, asset_id: UUID, precondition: Precondition, principal: Principal) -> Asset:
        """Restore the asset. One that is not deleted is returned unchanged. Raises as `edit` does."""
        return self._change(asset_id, restoration, precondition, principal)

    def _change(
        self,
        asset_id: UUID,
        step: Callable[[Asset, Stamp], Change | None],
        precondition: Precondition,
        principal: Principal,
    ) -> Asset:
        try:
            return attempts(self.clock, ATTEMPTS, _RACES)(self._change_once, asset_id, step, precondition, principal)
        except RetryError as e:
            raise Conflict(f"asset {asset_id} is being changed by other writers; try again") from e

    def _change_once(
        self,
        asset_id: UUID,
        step: Callable[[Asset, Stamp], Change | None],
        precondition: Precondition,
        principal: Principal,
    ) -> Asset:
        """Commit one attempt.

        :raises TryAgain: another writer won.
        """
        before = self.store.heads([asset_id]).get(asset_id)
        if before is None or before.state is State.PURGED:
            raise AssetNotFound(f"there is no asset {asset_id}")
        if not precondition.holds(before.revision):
            raise _mismatch(before)
        stamp = Stamp(principal=principal.name, at_ms=self.clock.now_ms(), change_id=uuid4())
        change = step(before, stamp)
        if change is None:
            return before
        outcome = self.committer.commit([change])[0]
        if outcome.status is CommitStatus.APPLIED:
            return change.after
        if outcome.status is CommitStatus.UNKNOWN:
            raise OutcomeUnknown(id=str(asset_id))
        if not precondition.holds(None if outcome.head is None else outcome.head.revision):
            raise _mismatch(outcome.head or before)
        raise TryAgain


def _mismatch(head: Asset) -> RevisionMismatch:
    return RevisionMismatch(f"asset {head.id} is at revision {head.revision}", revision=head.revision)
