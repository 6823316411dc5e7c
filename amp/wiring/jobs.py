"""The services of jobs over assets, wired."""

from collections.abc import Mapping
from dataclasses import dataclass

from amp.adapter_sets import Adapters
from amp.metrics import Metrics
from amp.ports.event_queue import Topic
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare_names import CompareNames
from amp.services.consistency.continuous import Sweep
from amp.services.consistency.mismatches import SelectSuspects
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.job_kinds.bulk_changes import ChangeInJobs
from amp.services.jobs.chunk_source import ChunkSource
from amp.services.jobs.claims import JobClaims
from amp.services.jobs.dead_letters import SteerLetters
from amp.services.jobs.extractor import ExtractJobs
from amp.services.jobs.head_selection import HeadSelection
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.processor import Processor
from amp.services.jobs.retention import ForgetJobs
from amp.services.jobs.submit import StartJobs
from amp.services.jobs.worker import JOBS_GROUP, ProcessJobs
from amp.services.moves.refill import RefillBuckets
from amp.services.runtime.chores import Chores
from amp.services.runtime.consumer import RunConsumer
from amp.settings import Settings
from amp.wiring.assets import AssetServices
from amp.wiring.holder import new_holder
from amp.wiring.indexing import IndexServices
from amp.wiring.job_kinds import job_kinds
from amp.wiring.search import SearchServices


@dataclass(frozen=True, kw_only=True)
class JobServices:
    starter: StartJobs
    refill: RefillBuckets
    letters: SteerLetters
    extractor: ExtractJobs
    worker: RunConsumer


def job_services(
    settings: Settings,
    a: Adapters,
    metrics: Metrics,
    assets: AssetServices,
    search: SearchServices,
    indexing: IndexServices,
    maps: BucketMaps,
) -> JobServices:
    selection = HeadSelection(resolver=search.resolver, catalog=assets.catalog)
    changer = ChangeInJobs(a.store, assets.committer, selection, a.clock)
    processors = job_kinds(settings, a, indexing, changer, assets.checker, assets.catalog, maps)
    processing = ProcessJobs(a.jobs, a.chunks, a.letters, processors, a.clock, metrics)
    worker = RunConsumer(
        a.queue, a.letters, a.clock, metrics, processing.handle,
        topic=Topic.BULK, group=JOBS_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    listed = ListedIds(ids=a.job_ids)
    claims = JobClaims(claims=a.claims, ttl_s=settings.idempotency_ttl_s)
    starter = StartJobs(a.jobs, listed, claims, search.select, processors, a.clock)
    source = ChunkSource(chunks=a.chunks, select=search.select, listed=listed)
    return JobServices(
        starter=starter,
        refill=RefillBuckets(maps, a.jobs, a.letters, starter, settings.job_rate),
        letters=SteerLetters(a.letters, a.queue, a.jobs, a.chunks),
        extractor=_extractor(settings, a, source, processors, maps, starter),
        worker=worker,
    )


def _extractor(
    settings: Settings,
    a: Adapters,
    source: ChunkSource,
    processors: Mapping[str, Processor],
    maps: BucketMaps,
    starter: StartJobs,
) -> ExtractJobs:
    def suspects() -> SelectSuspects:
        names = CompareNames(a.store, a.claims)
        return SelectSuspects(a.listing, a.store, a.documents, maps, names, versions_kept=settings.versions_kept)

    def waiting() -> int:
        return a.queue.lag(Topic.REALTIME, INDEX_GROUP)

    forget = ForgetJobs(a.jobs, a.chunks, a.job_ids, a.clock, settings.repeatable_s)
    sweep = Sweep(a.jobs, starter, a.leases, a.clock, holder=new_holder(), rate=settings.sweep_rate)
    return ExtractJobs(
        a.jobs, a.chunks, source, a.queue, a.leases, a.clock, processors, suspects,
        lambda: JobPace(a.clock, waiting, settings.job_live_lag),
        Chores(a.clock, {"forget-jobs": forget.run, "sweep": sweep.run}),
        holder=new_holder(), most_failures=settings.job_most_failures,
    )  # fmt: skip
