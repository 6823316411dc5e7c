"""The authoritative record of the bucket map."""

from typing import Protocol

from amp.domain.buckets import BucketMap


class BucketRegistry(Protocol):
    def load(self) -> BucketMap | None:
        """Return the current map; None before the first one is stored.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        """Store `new` if the current generation is `expected_generation` (0: there is no map yet). This is a
        compare-and-set: otherwise return False and change nothing. The outcome of a conditional write that timed out is
        settled before this returns.

        :raises ValueError: `new.generation` is not greater than `expected_generation`.
        :raises StoreUnavailable: the store does not answer; the map may have been replaced, so load it before
            continuing.
        """
        ...
