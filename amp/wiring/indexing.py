"""The services that bring changes into the search index, wired."""

from dataclasses import dataclass

from amp.adapter_sets import Adapters
from amp.metrics import Metrics
from amp.ports.background import Background
from amp.ports.event_queue import Topic
from amp.services.buckets.aliases import MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import SettleWrites
from amp.services.indexing.handle import INDEX_GROUP, IndexAssets
from amp.services.indexing.remove_documents import RemoveDocuments
from amp.services.indexing.retry_queue import RETRY_GROUP, RetryQueue
from amp.services.indexing.worker import IndexWorker
from amp.services.indexing.write_documents import PutDocuments
from amp.services.outbox.relay import RelayIntents
from amp.services.runtime.consumer import RunConsumer
from amp.services.types.catalog import TypeCatalog
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class IndexServices:
    indexer: IndexAssets
    worker: IndexWorker
    relay: RelayIntents
    remover: RemoveDocuments


def index_services(
    settings: Settings,
    a: Adapters,
    metrics: Metrics,
    background: Background,
    catalog: TypeCatalog,
    maps: BucketMaps,
    refusing: RefusingBuckets,
) -> IndexServices:
    metrics.watch_lag(
        live=lambda: a.queue.lag(Topic.REALTIME, INDEX_GROUP), retry=lambda: a.queue.lag(Topic.RETRY, RETRY_GROUP)
    )
    writes = SettleWrites(maps, MoveAliases(maps, a.indices))
    putter = PutDocuments(a.index, maps, writes, refusing)
    retries = RetryQueue(a.queue, settings.index_retry_limit)
    indexer = IndexAssets(a.store, catalog, putter, retries, metrics, settings.versions_kept)
    live = RunConsumer(
        a.queue, a.letters, a.clock, metrics, indexer.handle,
        topic=Topic.REALTIME, group=INDEX_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    again = RunConsumer(
        a.queue, a.letters, a.clock, metrics, indexer.handle_retries,
        topic=Topic.RETRY, group=RETRY_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    return IndexServices(
        indexer=indexer,
        worker=IndexWorker(live.run, again.run, background),
        relay=RelayIntents(a.intents, a.store, a.queue, a.clock, metrics),
        remover=RemoveDocuments(a.documents, maps, writes, refusing),
    )
