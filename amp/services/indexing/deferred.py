"""The assets of one batch that are deferred because their bucket refuses writes."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from amp.domain.messages import AssetChanged


class DeferredAssets:
    """Collects the deferred assets of one batch, each once."""

    def __init__(self, changes: Sequence[AssetChanged], keep: Callable[[Sequence[AssetChanged]], bool]) -> None:
        """:param keep: keeps changes durably for later; returns False if it cannot."""
        self._changes = changes
        self._keep = keep
        self.ids: set[UUID] = set()

    @property
    def changes(self) -> Sequence[AssetChanged]:
        """The changes of the deferred assets."""
        return self._of(self.ids)

    def add(self, refused: Collection[UUID]) -> bool:
        """Defer these assets. Return False if their changes could not be kept, so that the caller must retry them."""
        new = set(refused) - self.ids
        if new and not self._keep(self._of(new)):
            return False
        self.ids |= new
        return True

    def _of(self, ids: Collection[UUID]) -> Sequence[AssetChanged]:
        return [change for change in self._changes if change.asset_id in ids]
