"""Claims of names, and the idempotency keys that are claimed like names."""

from dataclasses import dataclass
from uuid import UUID

from amp.errors import IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class Claim:
    """`key` in `scope` belongs to the asset or job `holder_id`.

    A claim is a hint. Whether an asset has the name, its head decides.
    """

    scope: str
    key: str
    holder_id: UUID
    digest: str = ""  #: of the request that claimed it; tells a repeat from another use of the key


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that gives every repeat of a request the answer of the first one."""

    scope: str  #: the principal and the route
    key: str
    digest: str  #: of the request body

    def claim(self, holder_id: UUID) -> Claim:
        """Return the claim by which the key stands for this asset or job."""
        return Claim(self.scope, self.key, holder_id, self.digest)

    def check(self, holder: Claim) -> None:
        """:raises IdempotencyKeyReused: `holder`, the claim of this key, was made for another body."""
        if holder.digest != self.digest:
            raise IdempotencyKeyReused("this Idempotency-Key was used before with another body")
