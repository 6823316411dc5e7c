"""The asset ids that a job was submitted with, in blocks, in their original order."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class JobIds(Protocol):
    def keep(self, job_id: UUID, blocks: Sequence[Sequence[UUID]]) -> None:
        """Store these blocks, numbered from 0. Storing the same blocks again changes nothing.

        :raises StoreUnavailable: some may be missing; store them again.
        """
        ...

    def get(self, job_id: UUID, number: int) -> tuple[UUID, ...] | None:
        """Return the block; None if the job has no block with this number.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID) -> None:
        """Remove all blocks of the job. Do nothing if there are none.

        :raises StoreUnavailable: some may remain.
        """
        ...
