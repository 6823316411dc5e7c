"""The safeguards of the protocol, each taken away: parts that are broken in one place only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from amp.domain.assets import Asset
from amp.domain.buckets import BucketMap
from amp.domain.messages import AssetChanged
from amp.domain.moves import Move
from amp.errors import NotFound
from amp.ports.bucket_documents import RawDocument, TimeRange
from amp.ports.bucket_indices import AliasChange, IndexInfo, ReadFilter
from amp.ports.search_index import PutResult
from amp.services.buckets.aliases import MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.indexing.retry_queue import RetryQueue
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_documents import Copy, DocumentCopy
from amp.services.moves.run import MoveTimes
from amp.services.runtime.installation_cache import InstallationCache
from amp.services.system.migrate import SystemMigration
from tests.simulation.parts import Parts
from tests.support.simulated.bucket_indices_twin import SimulatedBucketIndices
from tests.support.simulated.cluster import Index, SimulatedCluster, Stored
from tests.support.simulated.store_twins import IDENTITY, SimulatedStore
from tests.support.simulated.violations import Seen, Violation


class _ReadsHeadsTwice(SimulatedStore):
    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        """Whatever has no content yet in the first read is taken for purged in the second."""
        found = super().heads(ids, settle=settle)
        missing = [asset_id for asset_id in ids if asset_id not in found]
        without_content = super().heads(missing, settle=settle) if missing else {}
        return found | {asset_id: replace(head, name="") for asset_id, head in without_content.items()}


class _TakesAnyToken(SimulatedCluster):
    def answers(self, index: Index, alias: str) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DoesNotDrain(SimulatedCluster):
    def drained(self, index: Index) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DoesNotFilter(SimulatedCluster):
    def filtered(self, read: ReadFilter) -> ReadFilter:
        return ReadFilter(read.index, 0, None)


class _ForgetsVersions(SimulatedCluster):
    def outranked(self, revision: int, there: Stored) -> bool:  # noqa: ARG002 - that is the fault
        return False


class _DoesNotCompare(SimulatedCluster):
    def all_there(self, change: AliasChange) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DeletesForReal(SimulatedCluster):
    def land(self, index: Index, doc_id: str, revision: int, created_ms: int, body: dict[str, Any]) -> PutResult:
        if body["deleted"]:
            return self.land_delete(index, doc_id, revision)
        return super().land(index, doc_id, revision, created_ms, body)


class _DoesNotRefresh(SimulatedBucketIndices):
    def refresh(self, indices: Sequence[str]) -> None:
        self._scheduler.call(f"no refresh {' '.join(indices)}", lambda: None, lambda: None)


class _HoldsNobody(MoveAliases):
    def hold(self, bucket_map: BucketMap) -> None:
        """Writers go on under their token: only the block keeps them out."""

    def switch(self, bucket_map: BucketMap) -> None:
        assert bucket_map.move is not None
        super().switch(replace(bucket_map, move=replace(bucket_map.move, phase_token=bucket_map.move.dual_token)))


class _LeavesKeptTargets(MoveAliases):
    def drain_kept_target(self, move: Move) -> None:
        """What got into the bucket through its former aliases may land at any time."""


class _ComparesNothing(RangeComparison):
    def differing(self, *_: Any, **__: Any) -> list[TimeRange]:
        return []

    def bring_forward(self, copy: Copy, *args: Any, **kwargs: Any) -> Iterator[tuple[list[RawDocument], int]]:
        return iter(()) if copy.since is not None else super().bring_forward(copy, *args, **kwargs)


class _TakesRefusedForCopied(DocumentCopy):
    def _put_once(self, alias: str, documents: list[RawDocument]) -> tuple[list[RawDocument], str]:
        return [], super()._put_once(alias, documents)[1]


class _TakesAnybodys(InstallationCache):
    def get(self, key: str) -> bytes | None:
        found = self._cache.get(key)
        return None if found is None else found[len(IDENTITY) :]


class _KeepsTheHighest(BucketMaps):
    def _learn(self, found: BucketMap, learned_before: int) -> bool:
        return (self._map is None or found.generation > self._map.generation) and super()._learn(found, learned_before)


class _AddsWhatItMisses(SystemMigration):
    def _point(self, bucket_map: BucketMap, there: Mapping[str, IndexInfo]) -> list[str]:
        for bucket in bucket_map.buckets:
            if bucket.index in there and bucket.write_alias not in there[bucket.index].write_aliases:
                with suppress(NotFound):
                    self.indices.change_aliases(AliasChange(add_write=((bucket.index, bucket.write_alias),)))
        return []


class _TakesPublishedForDurable(RetryQueue):
    def put_back(self, events: Sequence[AssetChanged]) -> bool:
        super().put_back(events)
        return True


@dataclass(frozen=True, kw_only=True)
class Safeguard:
    without: Parts
    weather: str  #: in which it is missed soonest
    noticed: type[Violation] = Seen  #: what counts
    #: Seeds are tried from here on: where the first to notice is far from 0, it, for as long as it does.
    first_seed: int = 0


_NO_WAIT = MoveTimes(longest_search=0.0)
_STALLS, _STALLS_OFTEN, _WRITERS, _MOVERS = (
    "servers stall, movers sleep before aliases change",
    "servers stall often, movers sleep before aliases change",
    "writers sleep",
    "movers sleep",
)
SAFEGUARDS = {
    "one read of a head": Safeguard(without=Parts(store=_ReadsHeadsTwice), weather=_STALLS, noticed=Violation),
    # What comes too late is left in the wrong index more often than it is what searches should have seen.
    "write token": Safeguard(without=Parts(cluster=_TakesAnyToken), weather=_WRITERS, noticed=Violation),
    "hold token": Safeguard(
        without=Parts(aliases=_HoldsNobody), weather="all take seconds", noticed=Violation, first_seed=2249
    ),
    "drain of a bucket that takes up its neighbour": Safeguard(
        without=Parts(aliases=_LeavesKeptTargets), weather=_STALLS, noticed=Violation, first_seed=88
    ),
    "drain": Safeguard(without=Parts(cluster=_DoesNotDrain), weather=_STALLS_OFTEN, first_seed=778),
    "read filter": Safeguard(without=Parts(cluster=_DoesNotFilter), weather=_STALLS),
    "external version": Safeguard(without=Parts(cluster=_ForgetsVersions), weather=_STALLS),
    "verify and last copy": Safeguard(without=Parts(copy_comparison=_ComparesNothing), weather=_STALLS),
    "refresh": Safeguard(without=Parts(indices=_DoesNotRefresh), weather=_STALLS),
    "compare-and-set on aliases": Safeguard(without=Parts(cluster=_DoesNotCompare), weather=_MOVERS, first_seed=238),
    "tombstones": Safeguard(without=Parts(cluster=_DeletesForReal), weather=_WRITERS),
    "identity of cached maps": Safeguard(
        without=Parts(cache=_TakesAnybodys), weather=_WRITERS, noticed=Violation, first_seed=1036
    ),
    "registry above the cache": Safeguard(without=Parts(maps=_KeepsTheHighest), weather=_WRITERS, noticed=Violation),
    "migrate leaves aliases alone": Safeguard(
        without=Parts(migrate=_AddsWhatItMisses), weather=_WRITERS, noticed=Violation, first_seed=1151
    ),
    "retries durable before commit": Safeguard(
        without=Parts(retries=_TakesPublishedForDurable),
        weather="buckets refuse writes",
        noticed=Violation,
        first_seed=106,
    ),
    "copies wait for a target that refuses": Safeguard(
        without=Parts(copier=_TakesRefusedForCopied), weather="buckets refuse writes", noticed=Violation
    ),
    "wait before cleaning": Safeguard(without=Parts(times=_NO_WAIT), weather=_STALLS),
}
