"""What became of each asset of a job, by chunks: records that are the same when written twice, so that counts are."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from amp.domain.chunks import Chunk, ItemResult


class JobChunks(Protocol):
    def begin(self, chunk: Chunk) -> Chunk:
        """Keep the chunk unless one of its number is there; the one that is there then.

        :raises StoreUnavailable: it may be there; begin it again.
        """
        ...

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        """:raises StoreUnavailable: the store does not answer."""
        ...

    def record(self, job_id: UUID, results: Mapping[int, Mapping[UUID, ItemResult]]) -> None:
        """What became of assets, by the number of their chunk; a later record of an asset stands for an earlier one.

        :raises StoreUnavailable: some may be missing; record them again.
        """
        ...

    def results(self, job_id: UUID, number: int) -> dict[UUID, ItemResult]:
        """What is recorded of the chunk so far.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID, numbers: Sequence[int]) -> None:
        """Remove these chunks and their results; those that are gone are passed over.

        :raises StoreUnavailable: they may still be there.
        """
        ...
