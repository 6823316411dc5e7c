"""The one place where ports are wired to adapters and handed to the services."""

import functools
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amp.adapter_sets import Adapters, cluster, embedded, system_clock
from amp.bucket_services import bucket_sizes, bucket_worker, mover_of
from amp.domain.limits import AssetLimits, SearchLimits
from amp.job_kinds import job_kinds
from amp.metrics import Metrics
from amp.ports.event_queue import Topic
from amp.ports.shared_values import SharedValues
from amp.services.await_searchable import AwaitSearchable
from amp.services.bucket_health import BucketHealth
from amp.services.bucket_maps import BucketMaps
from amp.services.change_assets import ChangeAssets
from amp.services.change_in_jobs import ChangeInJobs
from amp.services.check_content import CheckContent
from amp.services.check_health import CheckHealth
from amp.services.chunk_source import ChunkSource
from amp.services.claim_names import ClaimNames
from amp.services.commit_changes import CommitChanges
from amp.services.compare_names import CompareNames
from amp.services.count_moves import CountMoves
from amp.services.create_assets import CreateAssets
from amp.services.cursors import Cursors
from amp.services.extract_jobs import ExtractJobs
from amp.services.forget_jobs import ForgetJobs
from amp.services.head_selection import HeadSelection
from amp.services.index_assets import INDEX_GROUP, IndexAssets
from amp.services.index_worker import IndexWorker
from amp.services.installation_cache import InstallationCache
from amp.services.job_claims import JobClaims
from amp.services.job_pace import JobPace
from amp.services.lay_out_buckets import LayOutBuckets
from amp.services.listed_ids import ListedIds
from amp.services.migrate import Migrate
from amp.services.move_aliases import MoveAliases
from amp.services.plan_moves import PlanMoves
from amp.services.process_jobs import JOBS_GROUP, ProcessJobs
from amp.services.processors import Processor
from amp.services.publish_changes import PublishChanges
from amp.services.put_assets import PutAssets
from amp.services.put_documents import PutDocuments
from amp.services.read_assets import ReadAssets
from amp.services.reconcile_buckets import ReconcileBuckets
from amp.services.refill_buckets import RefillBuckets
from amp.services.refusing_buckets import RefusingBuckets
from amp.services.register_types import RegisterTypes
from amp.services.relay_intents import RelayIntents
from amp.services.release_names import ReleaseNames
from amp.services.resolve_query import ResolveQuery
from amp.services.retry_queue import RETRY_GROUP, RetryQueue
from amp.services.run_consumer import RunConsumer
from amp.services.run_moves import RunMoves
from amp.services.runtime.chores import Chores
from amp.services.runtime.threads import BackgroundThreads
from amp.services.search_assets import SearchAssets
from amp.services.select_assets import SelectAssets
from amp.services.select_suspects import SelectSuspects
from amp.services.show_buckets import ShowBuckets
from amp.services.start_jobs import StartJobs
from amp.services.steer_jobs import SteerJobs
from amp.services.steer_letters import SteerLetters
from amp.services.sweep import Sweep
from amp.services.type_catalog import TypeCatalog
from amp.services.watch_buckets import WatchBuckets
from amp.settings import Settings
from amp.stop_budget import StopBudget


@dataclass(frozen=True, kw_only=True)
class Amp:
    """The whole service of one process: its use cases, and the loops that workers run."""

    settings: Settings
    metrics: Metrics
    background: BackgroundThreads
    adapters: Adapters
    limits: AssetLimits
    register_types: RegisterTypes
    catalog: TypeCatalog
    create_assets: CreateAssets
    change_assets: ChangeAssets
    read_assets: ReadAssets
    put_assets: PutAssets
    search_assets: SearchAssets
    await_searchable: AwaitSearchable
    cursors: Cursors
    check_health: CheckHealth
    migrate: Migrate
    publisher: PublishChanges
    indexer: IndexAssets
    relay: RelayIntents
    plan_moves: PlanMoves
    mover: RunMoves
    reconcile: ReconcileBuckets
    refill_buckets: RefillBuckets
    show_buckets: ShowBuckets
    lay_out_buckets: LayOutBuckets
    steer_jobs: SteerJobs
    start_jobs: StartJobs
    select_assets: SelectAssets
    steer_letters: SteerLetters
    #: Worker kind → its loop, which runs until the event is set.
    workers: Mapping[str, Callable[[threading.Event], None]]

    def close(self, budget: StopBudget | None = None) -> None:
        """Let published events be delivered, then release connections and files.

        :param budget: what the stop of the process has left; None: this is the first step of it.
        """
        self.publisher.close((budget or StopBudget(self.settings.graceful_stop_s)).left_s())
        self.adapters.close()


def build(settings: Settings, *, create: bool = True) -> Amp:
    """The service on the adapters that the settings name.

    :param create: make the embedded set's data folder if it is not there.
    :raises NoData: it is not there, and `create` is false.
    :raises BadSetting, Busy: a setting cannot be used, or another process holds the data folder.
    """
    metrics = Metrics()
    background = BackgroundThreads(system_clock(), metrics)
    match settings.profile:
        case "embedded":
            return wire(settings, embedded(settings, create=create), metrics, background)
        case "cluster":
            return wire(settings, cluster(settings, background), metrics, background)


def wire(settings: Settings, a: Adapters, metrics: Metrics, background: BackgroundThreads) -> Amp:
    """The use cases on these adapters."""
    metrics.watch_lag(
        live=lambda: a.queue.lag(Topic.REALTIME, INDEX_GROUP), retry=lambda: a.queue.lag(Topic.RETRY, RETRY_GROUP)
    )
    limits = AssetLimits(
        asset_bytes=settings.max_asset_bytes,
        versions_kept=settings.versions_kept,
        skew_ms=int(settings.id_skew_s * 1000),
    )
    search_limits = SearchLimits(total=settings.total_limit, timeout_s=settings.search_timeout_s)
    catalog = TypeCatalog(a.types, a.clock, settings.types_refresh_s)
    cache = InstallationCache(a.cache, a.shared)
    maps = BucketMaps(a.buckets, cache, a.clock, settings.map_refresh_s)
    checker = CheckContent(catalog, limits)
    names = ClaimNames(a.store, a.claims, ReleaseNames(a.store, a.claims), settings.idempotency_ttl_s)
    publisher = PublishChanges(a.queue, a.intents, background)
    committer = CommitChanges(a.store, a.intents, publisher, a.clock, settings.intent_grace_s)
    cursors = Cursors(_cursor_secret(settings, a.shared))
    aliases = MoveAliases(maps, a.indices)
    refusing, retries = RefusingBuckets(cache, a.clock), RetryQueue(a.queue, settings.index_retry_limit)
    putter = PutDocuments(a.index, maps, aliases, refusing)
    indexer = IndexAssets(a.store, catalog, putter, retries, metrics, settings.versions_kept)
    index_worker = _index_worker(settings, a, metrics, indexer, background)
    relay = RelayIntents(a.intents, a.store, a.queue, a.clock, metrics)
    plan_moves = PlanMoves(maps, a.indices, a.documents, a.jobs, a.clock, settings.elasticsearch_index_prefix)
    sizes = bucket_sizes(settings)
    prefix, found = settings.elasticsearch_index_prefix, metrics.bucket_findings.set
    reconcile = ReconcileBuckets(maps, a.indices, prefix, a.guard, found)
    mover = mover_of(settings, a, CountMoves(a.jobs, metrics), maps, aliases)
    steer_jobs = SteerJobs(a.jobs, a.letters, a.chunks, maps, plan_moves, a.clock)
    show_buckets = ShowBuckets(maps, a.indices, steer_jobs, sizes)
    metrics.watch_buckets(show_buckets.figures)
    creator = CreateAssets(names, committer, checker, a.clock)
    changer = ChangeAssets(a.store, committer, checker, a.clock)
    reader = ReadAssets(a.store, a.listing, a.claims)
    resolver = ResolveQuery(catalog, search_limits)
    searcher = SearchAssets(a.index, resolver, cursors, maps, search_limits)
    select = SelectAssets(a.listing, searcher, catalog)
    job_changer = ChangeInJobs(a.store, committer, HeadSelection(resolver=resolver, catalog=catalog), a.clock)
    processors = job_kinds(settings, a, indexer, job_changer, checker, catalog, maps)
    processing = ProcessJobs(a.jobs, a.chunks, a.letters, processors, a.clock, metrics)
    job_worker = RunConsumer(
        a.queue, a.letters, a.clock, metrics, processing.handle,
        topic=Topic.BULK, group=JOBS_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    listed = ListedIds(ids=a.job_ids)
    job_claims = JobClaims(claims=a.claims, ttl_s=settings.idempotency_ttl_s)
    starter = StartJobs(a.jobs, listed, job_claims, select, processors, a.clock)
    refill = RefillBuckets(maps, a.jobs, starter, settings.job_rate)
    watch = WatchBuckets(maps, a.indices, plan_moves, a.clock, sizes)
    checks: dict[str, Callable[[], object]] = {"reconcile": reconcile.run, "refill": refill.run, "watch": watch.check}
    buckets = bucket_worker(settings, a, mover, checks, _holder())
    source = ChunkSource(chunks=a.chunks, select=select, listed=listed)
    extractor = _extractor(settings, a, source, processors, maps, starter)
    return Amp(
        settings=settings,
        metrics=metrics,
        background=background,
        adapters=a,
        limits=limits,
        register_types=RegisterTypes(a.types, catalog, a.clock),
        catalog=catalog,
        create_assets=creator,
        change_assets=changer,
        read_assets=reader,
        put_assets=PutAssets(creator, changer, reader),
        search_assets=searcher,
        await_searchable=AwaitSearchable(a.index, maps, a.clock),
        cursors=cursors,
        check_health=CheckHealth(a.parts, background, BucketHealth(maps, refusing).troubled),
        migrate=Migrate(a.parts, a.buckets, a.indices, settings.elasticsearch_index_prefix),
        publisher=publisher,
        indexer=indexer,
        relay=relay,
        plan_moves=plan_moves,
        mover=mover,
        reconcile=reconcile,
        refill_buckets=refill,
        show_buckets=show_buckets,
        lay_out_buckets=LayOutBuckets(maps, plan_moves, a.clock, sizes.roll_lead_s),
        steer_jobs=steer_jobs,
        steer_letters=SteerLetters(a.letters, a.queue, a.jobs),
        start_jobs=starter,
        select_assets=select,
        workers={
            "index": index_worker.run,
            "relay": relay.run,
            "bucket": buckets.run,
            "extract": extractor.run,
            "job": job_worker.run,
        },
    )


def _index_worker(
    settings: Settings, a: Adapters, metrics: Metrics, indexer: IndexAssets, background: BackgroundThreads
) -> IndexWorker:
    live = RunConsumer(
        a.queue, a.letters, a.clock, metrics, indexer.handle,
        topic=Topic.REALTIME, group=INDEX_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    retries = RunConsumer(
        a.queue, a.letters, a.clock, metrics, indexer.handle_retries,
        topic=Topic.RETRY, group=RETRY_GROUP, batch=settings.index_batch,
    )  # fmt: skip
    return IndexWorker(live.run, retries.run, background)


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
    sweep = Sweep(a.jobs, starter, a.leases, a.clock, holder=_holder(), rate=settings.sweep_rate)
    return ExtractJobs(
        a.jobs, a.chunks, source, a.queue, a.leases, a.clock, processors, suspects,
        lambda: JobPace(a.clock, waiting, settings.job_live_lag),
        Chores(a.clock, {"forget-jobs": forget.run, "sweep": sweep.run}),
        holder=_holder(), most_failures=settings.job_most_failures,
    )  # fmt: skip


def _holder() -> str:
    """Names this process among all that take leases."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _cursor_secret(settings: Settings, shared: SharedValues) -> Callable[[], bytes]:
    if settings.cursor_key is not None:
        given = settings.cursor_key.get_secret_value().encode()
        return lambda: given
    return functools.cache(lambda: shared.get_or_put("cursor-key", secrets.token_bytes(32)))
