"""The assets of one batch that are deferred because their bucket refuses writes."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from amp.domain.messages import AssetChanged


class DeferredAssets:
    """Collects the deferred assets of one batch, each once."""

    def __init__(self, events: Sequence[AssetChanged], keep: Callable[[Sequence[AssetChanged]], bool]) -> None:
        self._events = events
        self._keep = keep
        self.ids: set[UUID] = set()

    @property
    def events(self) -> Sequence[AssetChanged]:
        return self._of(self.ids)

    def add(self, refused: Collection[UUID]) -> bool:
        """Defer these assets. False: their changes could not be kept, so the caller must retry them."""
        new = set(refused) - self.ids
        if new and not self._keep(self._of(new)):
            return False
        self.ids |= new
        return True

    def _of(self, ids: Collection[UUID]) -> Sequence[AssetChanged]:
        return [event for event in self._events if event.asset_id in ids]
