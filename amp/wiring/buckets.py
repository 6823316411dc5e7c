"""Builds the services that read the bucket map and keep it consistent with the search index."""

from dataclasses import dataclass

from amp.metrics import Metrics
from amp.ports.cache import Cache
from amp.profiles import Adapters
from amp.services.buckets.aliases import MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.health import BucketHealth
from amp.services.buckets.reconcile import BucketReconciliation
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import WriteSettlement
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class BucketServices:
    maps: BucketMaps
    refusing: RefusingBuckets
    aliases: MoveAliases
    settlement: WriteSettlement
    reconciliation: BucketReconciliation
    health: BucketHealth


def bucket_services(settings: Settings, adapters: Adapters, metrics: Metrics, cache: Cache) -> BucketServices:
    maps = BucketMaps(adapters.buckets, cache, adapters.clock, settings.map_refresh_s)
    refusing = RefusingBuckets(cache=cache, clock=adapters.clock)
    aliases = MoveAliases(maps=maps, indices=adapters.indices)
    prefix = settings.elasticsearch_index_prefix
    return BucketServices(
        maps=maps,
        refusing=refusing,
        aliases=aliases,
        settlement=WriteSettlement(maps=maps, aliases=aliases),
        reconciliation=BucketReconciliation(
            maps=maps,
            indices=adapters.indices,
            index_prefix=prefix,
            guard=adapters.guard,
            found=metrics.bucket_findings.set,
        ),
        health=BucketHealth(maps=maps, indices=adapters.indices, refusing=refusing),
    )
