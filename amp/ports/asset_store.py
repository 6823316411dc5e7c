"""The source of truth: assets, their versions, and the conditional write that takes an asset to its next revision.

The *head* of an asset is its current state. A *revision row* records each change that was applied, with its
`change_id`. A *version row* holds the content of one version. A conditional write whose answer was lost is *settled*
once it is known whether it was applied.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from amp.domain.assets import Asset, Change, Version
from amp.domain.messages import Intent


class CommitStatus(Enum):
    APPLIED = "applied"  #: the change is durable
    REFUSED = "refused"  #: the head was not `change.before`; nothing was written
    UNKNOWN = "unknown"  #: the change may or may not be applied, now or later


@dataclass(frozen=True, slots=True)
class CommitResult:
    status: CommitStatus
    head: Asset | None = None  #: with REFUSED, the head that was there instead; None: there was no head


class AssetReads(Protocol):
    """Reads assets and their versions."""

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        """Return the heads of the assets that exist, purged ones included. Ids without a head are left out.

        The result includes every change applied before the call. With `settle`, conditional writes that the store has
        accepted but not finished are finished first, so that a change absent from the result cannot appear later.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def each_head(self, ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
        """Yield what `heads` returns, in any order, each head with the size of its metadata in bytes. Heads are read
        as they are consumed, with little read ahead, so a consumer may stop early at low cost.

        :raises StoreUnavailable: the store does not answer; raised during iteration.
        """
        ...

    def versions(self, wanted: Mapping[UUID, Collection[int]]) -> dict[tuple[UUID, int], Version]:
        """Return those of the wanted versions that the store has, by asset id and version number.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def version_page(self, asset_id: UUID, below: int | None, limit: int) -> list[Version]:
        """Return up to `limit` versions of one asset with numbers less than `below`, newest first. If `below` is None,
        start at the newest.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def applied(self, change_ids: Mapping[UUID, UUID]) -> set[UUID]:
        """Return the ids of the assets to which the given change was applied; `change_ids` has one change per asset.

        :raises StoreUnavailable: the store does not answer.
        """
        ...


class AssetWrites(Protocol):
    """Writes assets."""

    def prepare(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        """Make durable, before a change is applied, its intent and the rows of the reverse index for its `after`.

        Each change is one atomic write. Preparing a change again changes nothing. On return, all of them are durable.

        :raises StoreUnavailable: some may not be durable; none of the changes may be applied then.
        """
        ...

    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        """Take each asset from `before` to `after` in one conditional write: head, revision row and, if the version
        is new, version row, all or nothing. Return one result per change, in order. Of several changes from the same
        state of an asset, in one call or in many, exactly one can be applied.

        A change is applied only if the head still has the revision of `before`. If `before` is None, there must be no
        head. If `before` is purged, the head must also have its `change_id`, which `strip` replaces. A change whose
        `change_id` is already among the asset's revisions is APPLIED without another write.

        After a timeout, the outcome is settled by looking for the `change_id` among the revisions; if it cannot be
        settled, the result is UNKNOWN. The result is never APPLIED for a write that did not happen and never REFUSED
        for one that did.

        :raises StoreUnavailable: nothing was sent for any of the changes.
        """
        ...

    def strip(self, purged: Sequence[Asset]) -> None:
        """Remove from purged assets everything that is left but the id, the state, the revision and the ids of changes,
        which are still needed to settle writes. An asset is skipped if its head is not the given one. The head gets a
        new `change_id`, so that changes computed from the given head are refused. Stripping a stripped asset changes
        only its `change_id`.

        :raises StoreUnavailable: some may not be stripped; call it again.
        """
        ...


class AssetStore(AssetReads, AssetWrites, Protocol):
    """Methods that take several assets process them concurrently. The result for one asset does not depend on the
    others.
    """
