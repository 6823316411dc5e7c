"""Claims make names unique: an external id in its project, an idempotency key of a caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """`key` in `scope` belongs to the asset `asset_id`."""

    scope: str
    key: str
    asset_id: UUID
    digest: str = ""  #: of what was claimed for, to tell a repeat from a reuse


class Claims(Protocol):
    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        """For each, the claim that holds its scope and key: the given one if nobody held them before, else the
        earlier one. Exactly one of any number of concurrent claimers wins. Claims end after `ttl_s` (None: never).
        A claim that finds itself (same asset id) is its own holder.

        :raises StoreUnavailable: it is unknown which were taken; claiming again is safe.
        """
        ...

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        """Who holds each (scope, key), None where nobody does.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def release(self, claim: Claim) -> None:
        """End the claim if it is still that asset's.

        :raises StoreUnavailable: it may stand; release again.
        """
        ...
