"""The one place where ports are wired to adapters and handed to the services."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amp.adapter_sets import Adapters, cluster, embedded, system_clock
from amp.domain.limits import AssetLimits
from amp.metrics import Metrics
from amp.services.assets.create import CreateAssets
from amp.services.assets.edit import ChangeAssets
from amp.services.assets.read import ReadAssets
from amp.services.assets.upsert import PutAssets
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.health import BucketHealth
from amp.services.buckets.reconcile import ReconcileBuckets
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.indexing.handle import IndexAssets
from amp.services.jobs.control import SteerJobs
from amp.services.jobs.dead_letters import SteerLetters
from amp.services.jobs.selection import SelectAssets
from amp.services.jobs.submit import StartJobs
from amp.services.moves.layout import LayOutBuckets
from amp.services.moves.plan import PlanMoves
from amp.services.moves.refill import RefillBuckets
from amp.services.moves.report import ShowBuckets
from amp.services.moves.run import RunMoves
from amp.services.outbox.publish import PublishChanges
from amp.services.outbox.relay import RelayIntents
from amp.services.runtime.installation_cache import InstallationCache
from amp.services.runtime.presence import WorkerPresence
from amp.services.runtime.threads import BackgroundThreads
from amp.services.search.cursors import Cursors
from amp.services.search.search import SearchAssets
from amp.services.search.visibility import AwaitSearchable
from amp.services.system.health import CheckHealth
from amp.services.system.migrate import Migrate
from amp.services.system.work_health import WorkHealth
from amp.services.types.catalog import TypeCatalog
from amp.services.types.register import RegisterTypes
from amp.settings import Settings
from amp.stop_budget import StopBudget
from amp.wiring.assets import asset_services
from amp.wiring.buckets import bucket_services, bucket_worker
from amp.wiring.indexing import index_services
from amp.wiring.jobs import job_services
from amp.wiring.search import search_services


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
    cache = InstallationCache(a.cache, a.shared, a.clock)
    maps, refusing = BucketMaps(a.buckets, cache, a.clock, settings.map_refresh_s), RefusingBuckets(cache, a.clock)
    assets = asset_services(settings, a, metrics, background)
    indexing = index_services(settings, a, metrics, background, assets.catalog, maps, refusing)
    search = search_services(settings, a, assets.catalog, maps)
    presence = WorkerPresence(cache, background)
    buckets = bucket_services(settings, a, metrics, maps, presence)
    jobs = job_services(settings, a, metrics, assets, search, indexing, maps)
    work = WorkHealth(presence, a.queue, a.jobs, maps, own_processes=settings.profile == "cluster")
    workers = {
        "index": indexing.worker.run,
        "relay": indexing.relay.run,
        "bucket": bucket_worker(settings, a, buckets, jobs.refill.run).run,
        "extract": jobs.extractor.run,
        "job": jobs.worker.run,
    }
    return Amp(
        settings=settings,
        metrics=metrics,
        background=background,
        adapters=a,
        limits=assets.limits,
        register_types=assets.types,
        catalog=assets.catalog,
        create_assets=assets.creator,
        change_assets=assets.changer,
        read_assets=assets.reader,
        put_assets=assets.putter,
        search_assets=search.searcher,
        await_searchable=search.awaiter,
        cursors=search.cursors,
        check_health=CheckHealth(a.parts, background, BucketHealth(maps, a.indices, refusing).troubled, work.waiting),
        migrate=Migrate(a.parts, a.buckets, a.indices, settings.elasticsearch_index_prefix),
        publisher=assets.publisher,
        indexer=indexing.indexer,
        relay=indexing.relay,
        plan_moves=buckets.plan_moves,
        mover=buckets.mover,
        reconcile=buckets.reconcile,
        refill_buckets=jobs.refill,
        show_buckets=buckets.show,
        lay_out_buckets=buckets.lay_out,
        steer_jobs=buckets.steer_jobs,
        steer_letters=jobs.letters,
        start_jobs=jobs.starter,
        select_assets=search.select,
        workers={kind: presence.announced(kind, loop) for kind, loop in workers.items()},
    )
