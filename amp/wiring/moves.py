"""Builds the services that move buckets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from amp.domain.principals import BUCKET_WORKER
from amp.metrics import Metrics
from amp.profiles import Adapters
from amp.services.moves.autosplit import AutoSplit, BucketSizes
from amp.services.moves.cleanup import MoveCleanup
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.control import MoveController
from amp.services.moves.copy_documents import DocumentCopy
from amp.services.moves.copy_range import RangeCopy
from amp.services.moves.layout import BucketLayout
from amp.services.moves.plan import MovePlanning
from amp.services.moves.refill import BucketRefill
from amp.services.moves.report import BucketReports
from amp.services.moves.run import MoveRunner, MoveTimes
from amp.services.moves.worker import LEASE, LEASE_S, BucketWorker
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.settings import Settings
from amp.wiring.buckets import BucketServices
from amp.wiring.holder import new_holder
from amp.wiring.jobs import JobServices


@dataclass(frozen=True, kw_only=True)
class MoveServices:
    planning: MovePlanning
    runner: MoveRunner
    reports: BucketReports
    layout: BucketLayout
    refill: BucketRefill
    worker: BucketWorker


def move_controller(settings: Settings, adapters: Adapters, buckets: BucketServices) -> MoveController:
    maps, jobs, clock = buckets.maps, adapters.jobs, adapters.clock
    prefix = settings.elasticsearch_index_prefix
    planning = MovePlanning(
        maps=maps, indices=adapters.indices, documents=adapters.documents, jobs=jobs, clock=clock, index_prefix=prefix
    )
    return MoveController(jobs=jobs, maps=maps, planning=planning, clock=clock)


def move_services(
    settings: Settings,
    adapters: Adapters,
    metrics: Metrics,
    buckets: BucketServices,
    jobs: JobServices,
    controller: MoveController,
) -> MoveServices:
    sizes, maps, clock, planning = _sizes(settings), buckets.maps, adapters.clock, controller.planning
    reports = BucketReports(maps=maps, indices=adapters.indices, jobs=jobs.control, sizes=sizes)
    metrics.watch_buckets(reports.figures)
    runner = _runner(settings, adapters, metrics, buckets)
    refill = BucketRefill(
        maps=maps,
        jobs=adapters.jobs,
        dead_letters=adapters.dead_letters,
        submission=jobs.submission,
        rate=settings.job_rate,
    )
    chores: dict[str, Callable[[], object]] = {
        "reconcile": partial(buckets.reconciliation.run, BUCKET_WORKER),
        "refill": refill.run,
        "autosplit": AutoSplit(
            maps=maps, indices=adapters.indices, move_planning=planning, clock=clock, sizes=sizes
        ).check,
    }
    worker = BucketWorker(
        runner,
        Chores(clock=clock, chores=chores),
        LeaseKeeper(adapters.leases, clock, name=LEASE, holder=new_holder(), ttl_s=LEASE_S),
        clock,
        check_s=settings.bucket_check_s,
    )
    return MoveServices(
        planning=planning,
        runner=runner,
        reports=reports,
        layout=BucketLayout(maps=maps, move_planning=planning, clock=clock, lead_s=sizes.roll_lead_s),
        refill=refill,
        worker=worker,
    )


def _runner(settings: Settings, adapters: Adapters, metrics: Metrics, buckets: BucketServices) -> MoveRunner:
    indices, documents, clock = adapters.indices, adapters.documents, adapters.clock
    reader = ThreadPoolExecutor(1, thread_name_prefix="move-read")
    # No client waits longer than this for a search.
    times = MoveTimes(longest_search=settings.search_timeout_s + 1.5)
    copier = DocumentCopy(documents=documents, clock=clock, reader=reader, heads=adapters.store.heads)
    comparison = RangeComparison(documents=documents, copier=copier)
    return MoveRunner(
        maps=buckets.maps,
        indices=indices,
        documents=documents,
        jobs=adapters.jobs,
        metrics=metrics,
        clock=clock,
        aliases=buckets.aliases,
        range_copy=RangeCopy(
            indices=indices, documents=documents, copier=copier, comparison=comparison, serve_s=times.serve
        ),
        cleanup=MoveCleanup(indices=indices, documents=documents, comparison=comparison),
        times=times,
    )


def _sizes(settings: Settings) -> BucketSizes:
    return BucketSizes(
        roll_bytes=settings.bucket_roll_bytes,
        roll_documents=settings.bucket_roll_documents,
        roll_lead_s=settings.bucket_roll_lead_s,
        limit_bytes=settings.bucket_limit_bytes,
        split=settings.bucket_split,
        rate=settings.move_rate,
    )
