"""The one place where the services of a process are built on the adapters of its profile."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amp.domain.limits import AssetLimits
from amp.domain.worker_kinds import WorkerKind
from amp.metrics import Metrics
from amp.profiles import Adapters, cluster, embedded, system_clock
from amp.services.runtime.installation_cache import InstallationCache
from amp.services.runtime.presence import WorkerPresence
from amp.services.runtime.threads import BackgroundThreads
from amp.settings import Settings
from amp.stop_budget import StopBudget
from amp.wiring.assets import AssetServices, asset_limits, asset_services
from amp.wiring.buckets import BucketServices, bucket_services
from amp.wiring.consistency import consistency_services
from amp.wiring.indexing import IndexingServices, indexing_services
from amp.wiring.job_kinds import job_kinds
from amp.wiring.jobs import JobServices, JobSupplies, job_services
from amp.wiring.moves import MoveServices, move_controller, move_services
from amp.wiring.outbox import OutboxServices, outbox_services
from amp.wiring.search import SearchServices, search_services
from amp.wiring.system import SystemServices, system_services
from amp.wiring.types import TypeServices, type_services


@dataclass(frozen=True, kw_only=True)
class Amp:
    """The whole service of one process: its use cases, and the loops that the workers run."""

    settings: Settings
    metrics: Metrics
    background: BackgroundThreads
    adapters: Adapters
    limits: AssetLimits
    types: TypeServices
    outbox: OutboxServices
    buckets: BucketServices
    assets: AssetServices
    search: SearchServices
    indexing: IndexingServices
    jobs: JobServices
    moves: MoveServices
    system: SystemServices
    #: The loop of each kind of worker, which runs until the event is set.
    workers: Mapping[str, Callable[[threading.Event], None]]

    def close(self, budget: StopBudget | None = None) -> None:
        """Wait until published messages are delivered, then release connections and files.

        :param budget: the time left for stopping the process; None: stopping begins with this call.
        """
        self.outbox.publisher.close((budget or StopBudget(self.settings.graceful_stop_s)).left_s())
        self.adapters.close()


def build(settings: Settings, *, create: bool = True) -> Amp:
    """Return the service on the adapters of the profile that the settings name.

    :param create: create the data folder of the embedded profile if it does not exist.
    :raises NoData: the data folder does not exist, and `create` is false.
    :raises BadSetting, DataDirLocked: a setting cannot be used, or another process has locked the data folder.
    """
    metrics = Metrics()
    background = BackgroundThreads(clock=system_clock(), metrics=metrics)
    match settings.profile:
        case "embedded":
            return wire(settings, embedded(settings, create=create), metrics, background)
        case "cluster":
            return wire(settings, cluster(settings, background), metrics, background)


def wire(settings: Settings, adapters: Adapters, metrics: Metrics, background: BackgroundThreads) -> Amp:
    """Return the service on these adapters."""
    cache = InstallationCache(adapters.cache, adapters.shared, adapters.clock)
    presence, limits = WorkerPresence(cache=cache, background=background), asset_limits(settings)
    types = type_services(settings, adapters)
    outbox = outbox_services(settings, adapters, metrics, background)
    buckets = bucket_services(settings, adapters, metrics, cache)
    assets = asset_services(settings, adapters, limits, types, outbox)
    search = search_services(settings, adapters, types, buckets)
    indexing = indexing_services(settings, adapters, metrics, background, types, buckets, presence)
    consistency = consistency_services(settings, adapters, types, buckets, assets, indexing)
    processors = {
        **job_kinds(settings, adapters, types, outbox, assets, search, indexing),
        **consistency.processors,
    }
    controller = move_controller(settings, adapters, buckets)
    supplies = JobSupplies(processors=processors, controllers=[controller], mismatches=consistency.mismatches)
    jobs = job_services(settings, adapters, metrics, types, search, presence, supplies)
    moves = move_services(settings, adapters, metrics, buckets, jobs, controller)
    workers = {
        WorkerKind.INDEX: indexing.worker.run,
        WorkerKind.RELAY: outbox.relay.run,
        WorkerKind.BUCKET: moves.worker.run,
        WorkerKind.EXTRACT: jobs.extractor.run,
        WorkerKind.JOB: jobs.worker.run,
    }
    return Amp(
        settings=settings,
        metrics=metrics,
        background=background,
        adapters=adapters,
        limits=limits,
        types=types,
        outbox=outbox,
        buckets=buckets,
        assets=assets,
        search=search,
        indexing=indexing,
        jobs=jobs,
        moves=moves,
        system=system_services(settings, adapters, background, buckets, presence),
        workers={kind: presence.announced(kind, loop) for kind, loop in workers.items()},
    )
