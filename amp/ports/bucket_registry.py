"""The record of truth of the bucket map."""

from typing import Protocol

from amp.domain.buckets import BucketMap


class BucketRegistry(Protocol):
    def load(self) -> BucketMap | None:
        """The current map; None before the first.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        """Compare-and-set: store `new` if the current generation is `expected_generation` (0: there is no map yet).

        False, and nothing changed, otherwise. A timed-out condition is settled before this returns.

        :raises ValueError: `new.generation` is not greater than `expected_generation`.
        :raises StoreUnavailable: the store does not answer; look at the map, then go on.
        """
        ...
