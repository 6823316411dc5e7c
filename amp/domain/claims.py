"""Claims of names, and the idempotency keys that are claimed like names."""

from dataclasses import dataclass
from uuid import UUID

from amp.errors import IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class Claim:
    """`key` in `scope` belongs to the asset or job `holder_id`.

    A claim is a hint. The head of the asset decides whether the asset has the name.
    """

    scope: str
    key: str
    holder_id: UUID
    digest: str = ""  #: of the request that claimed it; distinguishes a repeat from another use of the key


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that makes every repeat of a request return the answer to the first one."""

    scope: str  #: the principal and the route
    key: str
    digest: str  #: digest of the request body

    def claim(self, holder_id: UUID) -> Claim:
        """Return the claim that binds the key to this asset or job."""
        return Claim(self.scope, self.key, holder_id, self.digest)

    def check(self, holder: Claim) -> None:
        """Accept `holder`, the claim that holds this key, if it was made for the same body.

        :raises IdempotencyKeyReused: it was made for another body.
        """
        if holder.digest != self.digest:
            raise IdempotencyKeyReused(
                "this Idempotency-Key was used before with another body; send the same body or use a new key"
            )
