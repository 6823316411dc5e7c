"""Idempotency keys of jobs: one key submits one job."""

from dataclasses import dataclass
from uuid import UUID

from amp.domain.claims import IdempotencyKey
from amp.ports.claims import Claims


@dataclass(frozen=True, kw_only=True, slots=True)
class JobClaims:
    claims: Claims
    ttl_s: int  #: how long a key is kept, in seconds

    def claim(self, key: IdempotencyKey | None, job_id: UUID) -> UUID:
        """Return the id of the job that the key stands for: `job_id` if the key was not used before.

        :raises IdempotencyKeyReused: the key was used with another body.
        :raises StoreUnavailable: the store does not answer; claiming again is safe.
        """
        if key is None:
            return job_id
        [holder] = self.claims.claim([key.claim(job_id)], self.ttl_s)
        key.check(holder)
        return holder.holder_id
