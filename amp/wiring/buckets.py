"""The services that move and mind buckets, wired."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from amp.adapter_sets import Adapters
from amp.metrics import Metrics
from amp.services.buckets.aliases import MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.reconcile import ReconcileBuckets
from amp.services.jobs.control import SteerJobs
from amp.services.moves.autosplit import BucketSizes, WatchBuckets
from amp.services.moves.copy_documents import CopyDocuments
from amp.services.moves.count import CountMoves
from amp.services.moves.layout import LayOutBuckets
from amp.services.moves.plan import PlanMoves
from amp.services.moves.report import ShowBuckets
from amp.services.moves.run import MoveTimes, RunMoves
from amp.services.moves.worker import LEASE, LEASE_S, RunBucketWorker
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.services.runtime.presence import WorkerPresence
from amp.settings import Settings
from amp.wiring.holder import new_holder


@dataclass(frozen=True, kw_only=True)
class BucketServices:
    plan_moves: PlanMoves
    mover: RunMoves
    reconcile: ReconcileBuckets
    steer_jobs: SteerJobs
    show: ShowBuckets
    lay_out: LayOutBuckets
    watch: WatchBuckets


def bucket_services(
    settings: Settings, a: Adapters, metrics: Metrics, maps: BucketMaps, presence: WorkerPresence
) -> BucketServices:
    sizes, prefix = _sizes(settings), settings.elasticsearch_index_prefix
    plan_moves = PlanMoves(maps, a.indices, a.documents, a.jobs, a.clock, prefix)
    steer_jobs = SteerJobs(a.jobs, a.letters, a.chunks, maps, plan_moves, presence, a.clock)
    show = ShowBuckets(maps, a.indices, steer_jobs, sizes)
    metrics.watch_buckets(show.figures)
    return BucketServices(
        plan_moves=plan_moves,
        mover=_mover(settings, a, metrics, maps),
        reconcile=ReconcileBuckets(maps, a.indices, prefix, a.guard, metrics.bucket_findings.set),
        steer_jobs=steer_jobs,
        show=show,
        lay_out=LayOutBuckets(maps, plan_moves, a.clock, sizes.roll_lead_s),
        watch=WatchBuckets(maps, a.indices, plan_moves, a.clock, sizes),
    )


def bucket_worker(
    settings: Settings, a: Adapters, buckets: BucketServices, refill: Callable[[], object]
) -> RunBucketWorker:
    checks: dict[str, Callable[[], object]] = {
        "reconcile": buckets.reconcile.run,
        "refill": refill,
        "watch": buckets.watch.check,
    }
    return RunBucketWorker(
        buckets.mover,
        Chores(a.clock, checks),
        LeaseKeeper(a.leases, a.clock, name=LEASE, holder=new_holder(), ttl_s=LEASE_S),
        a.clock,
        check_s=settings.bucket_check_s,
    )


def _mover(settings: Settings, a: Adapters, metrics: Metrics, maps: BucketMaps) -> RunMoves:
    reader = ThreadPoolExecutor(1, thread_name_prefix="move-read")
    copier = CopyDocuments(a.documents, a.clock, reader, a.store.heads)
    # Whoever asked has given up by then.
    times = MoveTimes(longest_search=settings.search_timeout_s + 1.5)
    jobs = CountMoves(a.jobs, metrics)
    return RunMoves(maps, a.indices, a.documents, jobs, a.clock, MoveAliases(maps, a.indices), copier, times)


def _sizes(settings: Settings) -> BucketSizes:
    return BucketSizes(
        roll_bytes=settings.bucket_roll_bytes,
        roll_documents=settings.bucket_roll_documents,
        roll_lead_s=settings.bucket_roll_lead_s,
        limit_bytes=settings.bucket_limit_bytes,
        split=settings.bucket_split,
        rate=settings.move_rate,
    )
