"""The source of truth: assets, their versions, and the conditional step from one revision to the next."""

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
    UNKNOWN = "unknown"  #: it may or may not have been applied, now or later


@dataclass(frozen=True, slots=True)
class CommitResult:
    status: CommitStatus
    head: Asset | None = None  #: with REFUSED, the head that stood in the way; None: there is none


class AssetStore(Protocol):
    """Methods over several assets work on them concurrently; each asset's fate is its own."""

    def prepare(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        """Make each intent and the reverse-index rows of each change's `after` durable, before the change itself.

        One atomic write per change. Idempotent. On return all are durable.

        :raises StoreUnavailable: some may not be; none of the changes may be applied then.
        """
        ...

    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        """Take each asset from `before` to `after` in one conditional write: head, revision row and, if the version
        is new, version row, all or nothing. One outcome per change, in order. Of changes from one state of an asset, in
        one call or in many, one holds.

        Holds only if the head still is `before` by revision (`before` None: no head; `before` purged: by its
        `change_id` as well, which `strip` changes). A timed-out condition is settled by looking for its `change_id`
        among the revisions; what can't be settled is UNKNOWN. Never APPLIED for a write that did not happen, never
        REFUSED for one that did. A change whose `change_id` is among the asset's revisions is APPLIED without another
        write.

        :raises StoreUnavailable: nothing was sent, for any of them.
        """
        ...

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        """The heads of those assets that exist, purged ones included; absent ids are left out.

        Sees every change applied before the call. With `settle`, conditions accepted but not finished are finished
        first, so that what the answer does not show will not show later.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def each_head(self, ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
        """As `heads`, each with the bytes of its metadata, in any order. They are read as they are asked for: few are
        read ahead, so that who has enough may stop.

        :raises StoreUnavailable: while they are asked for: the store does not answer.
        """
        ...

    def versions(self, wanted: Mapping[UUID, Collection[int]]) -> dict[tuple[UUID, int], Version]:
        """Those of the wanted versions that the store has.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def version_page(self, asset_id: UUID, below: int | None, limit: int) -> list[Version]:
        """Up to `limit` versions of one asset, newest first, with numbers under `below` (None: from the newest).

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def applied(self, change_ids: Mapping[UUID, UUID]) -> set[UUID]:
        """Of assets and a change of each: those assets that the change was made to.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def strip(self, purged: Sequence[Asset]) -> None:
        """Take from purged assets all that is left but id, state, revision and the ids of changes, which still settle,
        each if its head is as given. The head gets another `change_id`, so that what was to be written over the one
        given is refused. Stripping a stripped asset changes that alone.

        :raises StoreUnavailable: some may not be stripped; strip them again.
        """
        ...
