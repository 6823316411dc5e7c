"""The assets of one batch that are set aside, because their bucket refuses writes."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from amp.domain.messages import AssetChanged


class DeferredAssets:
    """What of one batch was set aside, each asset once."""

    def __init__(self, events: Sequence[AssetChanged], keep: Callable[[Sequence[AssetChanged]], bool]) -> None:
        self._events = events
        self._keep = keep
        self.ids: set[UUID] = set()

    @property
    def events(self) -> Sequence[AssetChanged]:
        return self._of(self.ids)

    def add(self, refused: Collection[UUID]) -> bool:
        """Set these aside. False: nobody keeps their changes, so the caller must try them again."""
        new = set(refused) - self.ids
        if new and not self._keep(self._of(new)):
            return False
        self.ids |= new
        return True

    def _of(self, ids: Collection[UUID]) -> Sequence[AssetChanged]:
        return [event for event in self._events if event.asset_id in ids]
