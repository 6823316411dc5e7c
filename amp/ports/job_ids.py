"""The ids of assets that a job was given, in blocks, as they were given."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class JobIds(Protocol):
    def keep(self, job_id: UUID, blocks: Sequence[Sequence[UUID]]) -> None:
        """Keep these blocks, numbered from 0; keeping the same ones again changes nothing.

        :raises StoreUnavailable: some may be missing; keep them again.
        """
        ...

    def get(self, job_id: UUID, number: int) -> tuple[UUID, ...] | None:
        """None: the job has no such block.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def forget(self, job_id: UUID) -> None:
        """Remove all of the job's blocks; nothing if there are none.

        :raises StoreUnavailable: they may still be there.
        """
        ...
