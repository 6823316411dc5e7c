"""What a run is put together from; tests that take a safeguard away put a broken part in its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from amp.services.buckets.aliases import MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.indexing.retry_queue import RetryQueue
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_documents import DocumentCopy
from amp.services.moves.run import MoveTimes
from amp.services.runtime.installation_cache import InstallationCache
from amp.services.system.migrate import SystemMigration
from tests.support.simulated.bucket_indices_twin import SimulatedBucketIndices
from tests.support.simulated.cluster import SimulatedCluster
from tests.support.simulated.faults import Faults
from tests.support.simulated.installation import LONGEST_SEARCH_S
from tests.support.simulated.store_twins import SimulatedStore

_TIMES = MoveTimes(longest_search=LONGEST_SEARCH_S)


@dataclass(frozen=True, kw_only=True)
class Parts:
    store: type[SimulatedStore] = SimulatedStore
    cluster: type[SimulatedCluster] = SimulatedCluster
    indices: type[SimulatedBucketIndices] = SimulatedBucketIndices
    aliases: type[MoveAliases] = MoveAliases
    cache: type[InstallationCache] = InstallationCache
    maps: type[BucketMaps] = BucketMaps
    migrate: type[SystemMigration] = SystemMigration
    retries: type[RetryQueue] = RetryQueue
    copier: type[DocumentCopy] = DocumentCopy
    #: Compares what a copy has brought over.
    copy_comparison: type[RangeComparison] = RangeComparison
    times: MoveTimes = _TIMES
    faults: Callable[[random.Random], Faults] = Faults.of


WHOLE = Parts()
