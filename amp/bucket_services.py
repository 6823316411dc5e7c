"""The services that move and mind buckets, wired."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from amp.adapter_sets import Adapters
from amp.ports.job_log import JobLog
from amp.services.bucket_maps import BucketMaps
from amp.services.copy_documents import CopyDocuments
from amp.services.move_aliases import MoveAliases
from amp.services.run_bucket_worker import LEASE, LEASE_S, RunBucketWorker
from amp.services.run_moves import MoveTimes, RunMoves
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.services.watch_buckets import BucketSizes
from amp.settings import Settings


def mover_of(settings: Settings, a: Adapters, jobs: JobLog, maps: BucketMaps, aliases: MoveAliases) -> RunMoves:
    reader = ThreadPoolExecutor(1, thread_name_prefix="move-read")
    copier = CopyDocuments(a.documents, a.clock, reader, a.store.heads)
    # Whoever asked has given up by then.
    times = MoveTimes(longest_search=settings.search_timeout_s + 1.5)
    return RunMoves(maps, a.indices, a.documents, jobs, a.clock, aliases, copier, times)


def bucket_sizes(settings: Settings) -> BucketSizes:
    return BucketSizes(
        roll_bytes=settings.bucket_roll_bytes,
        roll_documents=settings.bucket_roll_documents,
        roll_lead_s=settings.bucket_roll_lead_s,
        limit_bytes=settings.bucket_limit_bytes,
        split=settings.bucket_split,
        rate=settings.move_rate,
    )


def bucket_worker(
    settings: Settings, a: Adapters, mover: RunMoves, checks: Mapping[str, Callable[[], object]], holder: str
) -> RunBucketWorker:
    return RunBucketWorker(
        mover,
        Chores(a.clock, checks),
        LeaseKeeper(a.leases, a.clock, name=LEASE, holder=holder, ttl_s=LEASE_S),
        a.clock,
        check_s=settings.bucket_check_s,
    )
