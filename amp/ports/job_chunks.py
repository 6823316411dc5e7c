"""The result of each asset of a job, stored by chunk. Recording a result twice changes nothing, so counts are exact."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from amp.domain.chunks import Chunk, ItemResult


class JobChunks(Protocol):
    def begin(self, chunk: Chunk) -> Chunk:
        """Store the chunk unless the job already has one with its number. Return the stored one.

        :raises StoreUnavailable: the chunk may be stored; begin it again.
        """
        ...

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        """Return the chunk; None if the job has no chunk with this number.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def record(self, job_id: UUID, results: Mapping[int, Mapping[UUID, ItemResult]]) -> None:
        """Record the results of assets, by chunk number and asset id. A later result of an asset replaces an earlier
        one.

        :raises StoreUnavailable: some results may be missing; record them again.
        """
        ...

    def results(self, job_id: UUID, number: int) -> dict[UUID, ItemResult]:
        """Return the results recorded for the chunk so far, by asset id.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID, numbers: Sequence[int]) -> None:
        """Remove these chunks and their results. Numbers without a chunk are ignored.

        :raises StoreUnavailable: some may remain.
        """
        ...
