"""The ids that a job was given as a list: stored in few large blocks, read in pages of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.errors import BadCursor, NotFound
from amp.ports.asset_listing import IdPage
from amp.ports.job_ids import JobIds

#: Ids in one block, about 80 KB.
BLOCK = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedIds:
    ids: JobIds

    def keep(self, job_id: UUID, ids: Sequence[UUID]) -> int:
        """Store the ids, which are unique, before the job itself. Return their number.

        :raises StoreUnavailable: some may not be stored; store them again.
        """
        # An empty list is one empty block, which distinguishes it from a list that was removed.
        self.ids.keep(job_id, [ids[at : at + BLOCK] for at in range(0, max(1, len(ids)), BLOCK)])
        return len(ids)

    def page(self, job_id: UUID, position: str | None, limit: int) -> IdPage:
        """Return up to `limit` ids from `position` on (None: from the first), in the given order.

        :raises NotFound: the list was removed.
        :raises BadCursor: the position is not one of this list.
        :raises StoreUnavailable: the store does not answer.
        """
        number, first = _place(position)
        block = self.ids.get(job_id, number)
        if block is None:
            raise NotFound("the list of ids of the job was removed")
        end = first + limit
        if end < len(block):
            following: str | None = f"{number}:{end}"
        else:
            # Only a full block may be followed by another.
            more = len(block) == BLOCK and self.ids.get(job_id, number + 1) is not None
            following = f"{number + 1}:0" if more else None
        return IdPage(tuple(block[first:end]), following)


def _place(position: str | None) -> tuple[int, int]:
    if position is None:
        return 0, 0
    number, _, first = position.partition(":")
    try:
        return int(number), int(first)
    except ValueError as e:
        raise BadCursor("the position does not belong to the ids of the job") from e
