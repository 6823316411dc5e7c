"""Builds the services that write changes to the search index."""

from dataclasses import dataclass

from amp.domain.worker_kinds import WorkerKind
from amp.metrics import Metrics
from amp.ports.background import Background
from amp.ports.message_queue import Topic
from amp.profiles import Adapters
from amp.services.indexing.build_documents import DocumentBuilder
from amp.services.indexing.handle import INDEX_GROUP, AssetIndexer
from amp.services.indexing.remove_documents import DocumentRemover
from amp.services.indexing.retry_queue import RETRY_GROUP, RetryQueue
from amp.services.indexing.worker import IndexWorker
from amp.services.indexing.write_documents import DocumentWriter
from amp.services.runtime.consumer import ConsumerLoop
from amp.services.runtime.dead_letter_limit import DeadLetterLimit
from amp.services.runtime.presence import WorkerPresence
from amp.settings import Settings
from amp.wiring.buckets import BucketServices
from amp.wiring.types import TypeServices


@dataclass(frozen=True, kw_only=True)
class IndexingServices:
    indexer: AssetIndexer
    builder: DocumentBuilder
    document_remover: DocumentRemover
    worker: IndexWorker


def indexing_services(
    settings: Settings,
    adapters: Adapters,
    metrics: Metrics,
    background: Background,
    types: TypeServices,
    buckets: BucketServices,
    presence: WorkerPresence,
) -> IndexingServices:
    queue = adapters.queue
    metrics.watch_lag(
        live=lambda: queue.lag(Topic.REALTIME, INDEX_GROUP), retry=lambda: queue.lag(Topic.RETRY, RETRY_GROUP)
    )
    builder = DocumentBuilder(store=adapters.store, catalog=types.catalog, versions_kept=settings.versions_kept)
    writer = DocumentWriter(
        index=adapters.index, maps=buckets.maps, settlement=buckets.settlement, refusing=buckets.refusing
    )
    document_remover = DocumentRemover(
        documents=adapters.documents, maps=buckets.maps, settlement=buckets.settlement, refusing=buckets.refusing
    )
    retries = RetryQueue(queue=queue, max_changes=settings.index_retry_limit)
    indexer = AssetIndexer(builder=builder, writer=writer, retries=retries, metrics=metrics)
    live_loop = ConsumerLoop(
        queue=queue, dead_letters=adapters.dead_letters, clock=adapters.clock, metrics=metrics, handle=indexer.handle,
        topic=Topic.REALTIME, group=INDEX_GROUP, batch=settings.index_batch,
        limit=DeadLetterLimit(settings.index_max_dead_letters_in_row, settings.index_max_dead_letter_share),
        report_stopped=lambda reason: presence.report_stopped(WorkerKind.INDEX, reason),
    )  # fmt: skip
    retry_loop = ConsumerLoop(
        queue=queue,
        dead_letters=adapters.dead_letters,
        clock=adapters.clock,
        metrics=metrics,
        handle=indexer.handle_retries,
        topic=Topic.RETRY,
        group=RETRY_GROUP,
        batch=settings.index_batch,
    )
    return IndexingServices(
        indexer=indexer,
        builder=builder,
        document_remover=document_remover,
        worker=IndexWorker(live=live_loop.run, retries=retry_loop.run, background=background),
    )
