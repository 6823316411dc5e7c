"""Claims make names unique: an external id within its project, an idempotency key of a principal.

The *holder* of a scope and key is the claim stored for them; there is at most one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from amp.domain.claims import Claim


@dataclass(frozen=True, slots=True)
class ClaimPage:
    claims: tuple[Claim, ...]
    #: Pass it to `page` to read the next page; None: this is the last page.
    position: str | None


class Claims(Protocol):
    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        """Claim each scope and key. Return the holder of each, in order: the given claim if there was no holder before,
        else the earlier one. Of any number of concurrent claims, exactly one wins. A claim that is repeated returns
        itself (a holder with the same asset id).

        Claims expire after `ttl_s` seconds (None: never). Claims that expire are also added to the lists of
        `of_assets`.

        :raises StoreUnavailable: it is unknown which claims were stored; claiming again is safe.
        """
        ...

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        """Return the holder of each scope and key, in order; None where there is no holder.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def replace(self, claim: Claim, by: Claim) -> bool:
        """Replace `claim` by `by` if `claim`, including its digest, is the holder of their scope and key. Return
        whether `by` is the holder now. It does not expire.

        :raises StoreUnavailable: it is unknown which of the two is the holder; replacing again is safe.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Remove the claim if it, including its digest, is the holder of its scope and key.

        :raises StoreUnavailable: the claim may remain; release it again.
        """
        ...

    def page(self, position: str | None, limit: int) -> ClaimPage:
        """Return up to `limit` of all claims, in a fixed order. A claim that exists while all pages are read is
        returned once. A page may be shorter than `limit`, even empty, while its position is not None.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def list_by_asset(self, claims: Sequence[Claim]) -> None:
        """Add claims to the lists that `of_assets` reads.

        :raises StoreUnavailable: some may not be listed; call it again.
        """
        ...

    def of_assets(self, asset_ids: Collection[UUID]) -> list[Claim]:
        """Return the listed claims that these assets hold.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
