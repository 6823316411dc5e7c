"""Claims make names unique: an external id in its project, an idempotency key of a principal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.claims import Claim


@dataclass(frozen=True, slots=True)
class ClaimPage:
    claims: tuple[Claim, ...]
    #: Continues after this page; None: there are no more.
    position: str | None


class Claims(Protocol):
    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        """For each, the claim that holds its scope and key: the given one if nobody held them before, else the
        earlier one. Exactly one of any number of concurrent claimers wins. Claims end after `ttl_s` (None: never);
        those that end are listed by their asset.
        A claim that finds itself (same asset id) is its own holder.

        :raises StoreUnavailable: it is unknown which were taken; claiming again is safe.
        """
        ...

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        """Who holds each (scope, key), None where nobody does.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def replace(self, claim: Claim, by: Claim) -> bool:
        """Put `by` in the place of `claim`, if that holds their scope and key, to the digest; whether `by` holds them
        now. It does not end.

        :raises StoreUnavailable: it is unknown which of them holds; replacing again is safe.
        """
        ...

    def release(self, claim: Claim) -> None:
        """End the claim if it holds its scope and key, to the digest.

        :raises StoreUnavailable: it may stand; release again.
        """
        ...

    def page(self, position: str | None, limit: int) -> ClaimPage:
        """Up to `limit` of all claims, in a fixed order; one that stands during the whole of a walk comes once. A page
        may be shorter than `limit`, even empty, while its position is not None.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def list_by_asset(self, claims: Sequence[Claim]) -> None:
        """List claims by their assets.

        :raises StoreUnavailable: some may not be listed; list them again.
        """
        ...

    def of_assets(self, asset_ids: Collection[UUID]) -> list[Claim]:
        """The listed claims that these assets hold.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
