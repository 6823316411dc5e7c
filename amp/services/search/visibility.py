"""Waits until a search by the same principal sees a change."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from amp.domain.assets import Asset, State
from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.search_index import SearchIndex
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.runtime.retry import Backoff

_PAUSES = Backoff(first_s=0.025, max_s=0.12)


@dataclass(frozen=True, kw_only=True)
class SearchVisibility:
    """Waits for changes to become visible to searches. It asks the index as the principal's searches do. It does not
    refresh the index.
    """

    index: SearchIndex
    maps: BucketMaps
    clock: Clock

    def wait(self, assets: Sequence[Asset], session: str, timeout_s: float) -> bool:
        """Return True once searches of that session see each asset at its revision or a later one. For a deleted asset,
        wait until they no longer see it and no late write can bring it back. Return False if `timeout_s` passes first.
        """
        deadline_s = self.clock.monotonic_s() + timeout_s
        pending = list(assets)
        attempts = 0
        while True:
            attempts += 1
            with suppress(Retryable):
                pending = self._not_yet_visible(pending, session)
            if not pending:
                return True
            left_s = deadline_s - self.clock.monotonic_s()
            if left_s <= 0:
                return False
            self.clock.sleep(min(left_s, _PAUSES.pause_s(attempts)))

    def _not_yet_visible(self, assets: Sequence[Asset], session: str) -> list[Asset]:
        visible = self.index.visible([asset.id for asset in assets], session)
        pending = [asset for asset in assets if not _is_visible(asset, visible.get(asset.id))]
        # Not seeing a deleted asset is not enough: it may not have been indexed yet.
        deleted = [asset for asset in assets if asset.state is not State.ACTIVE and asset.id not in visible]
        if deleted:
            bucket_map = self.maps.current()
            written = self.index.written({a.id: bucket_map.write_aliases(a.created_ms)[0] for a in deleted})
            pending += [asset for asset in deleted if written.get(asset.id, 0) < asset.revision]
        return pending


def _is_visible(asset: Asset, visible_revision: int | None) -> bool:
    if asset.state is State.ACTIVE:
        return visible_revision is not None and visible_revision >= asset.revision
    # A revision after the deletion: the asset was restored meanwhile.
    return visible_revision is None or visible_revision > asset.revision
