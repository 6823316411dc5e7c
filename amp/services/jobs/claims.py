"""Idempotency keys of jobs: one key starts one job."""

from dataclasses import dataclass
from uuid import UUID

from amp.ports.claims import Claims
from amp.services.assets.creation import RepeatKey


@dataclass(frozen=True, kw_only=True, slots=True)
class JobClaims:
    claims: Claims
    ttl_s: int  #: how long a key is remembered

    def claim(self, key: RepeatKey | None, job_id: UUID) -> UUID:
        """The id of the job that the key stands for: `job_id` if nobody used the key before.

        :raises KeyReused: it was used with another body.
        :raises StoreUnavailable: claiming again is safe.
        """
        if key is None:
            return job_id
        [holder] = self.claims.claim([key.claim(job_id)], self.ttl_s)
        key.check(holder)
        return holder.asset_id
