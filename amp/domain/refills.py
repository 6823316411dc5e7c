"""Refills: which lost documents a backfill restores to which index."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Refill:
    """All documents of assets created in `[start_s, end_s)` that are missing from an index since a loss."""

    index: str
    loss_generation: int  #: the map generation that found the latest loss
    start_s: int
    end_s: int | None  #: None: no end

    def covers(self, other: "Refill") -> bool:
        """Return whether this refill includes the other: the same loss, and a range within this one's."""
        return (
            (self.index, self.loss_generation) == (other.index, other.loss_generation)
            and self.start_s <= other.start_s
            and (self.end_s is None or (other.end_s is not None and other.end_s <= self.end_s))
        )


def refill_json(refill: Refill) -> dict[str, Any]:
    """Return the refill as a job's parameters store it; the inverse of `refill_from_json`."""
    return asdict(refill)


def refill_from_json(data: Mapping[str, Any]) -> Refill:
    return Refill(**data)
