"""Builds the services of jobs over assets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.selectors import Selector
from amp.metrics import Metrics
from amp.ports.message_queue import Topic
from amp.profiles import Adapters
from amp.services.consistency.continuous import ContinuousCheck
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.jobs.claims import JobClaims
from amp.services.jobs.control import JobControl, JobController
from amp.services.jobs.dead_letters import DeadLetterAdmin
from amp.services.jobs.extractor import JobExtractor
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.processor import Processor
from amp.services.jobs.retention import JobExpiry
from amp.services.jobs.selection import Selection
from amp.services.jobs.selections import JobSelections
from amp.services.jobs.submit import JobSubmission
from amp.services.jobs.worker import JOBS_GROUP, JobWorker
from amp.services.runtime.chores import Chores
from amp.services.runtime.consumer import ConsumerLoop
from amp.services.runtime.presence import WorkerPresence
from amp.settings import Settings
from amp.wiring.consistency import continuous_check
from amp.wiring.holder import new_holder
from amp.wiring.search import SearchServices
from amp.wiring.types import TypeServices


@dataclass(frozen=True, kw_only=True)
class JobServices:
    selection: AssetSelection
    submission: JobSubmission
    control: JobControl
    dead_letters: DeadLetterAdmin
    extractor: JobExtractor
    worker: ConsumerLoop


@dataclass(frozen=True, kw_only=True)
class JobSupplies:
    """What other subjects supply to jobs."""

    processors: Mapping[str, Processor]  #: by kind of job
    controllers: Sequence[JobController]
    mismatches: Callable[[UUID, Selector, bool], Selection]  #: see `JobSelections.mismatches`


def job_services(
    settings: Settings,
    adapters: Adapters,
    metrics: Metrics,
    types: TypeServices,
    search: SearchServices,
    presence: WorkerPresence,
    supplied: JobSupplies,
) -> JobServices:
    processors = supplied.processors
    clock, chunks, dead_letters = adapters.clock, adapters.chunks, adapters.dead_letters
    selection = AssetSelection(listing=adapters.listing, asset_search=search.assets, catalog=types.catalog)
    listed = ListedIds(ids=adapters.job_ids)
    claims = JobClaims(claims=adapters.claims, ttl_s=settings.idempotency_ttl_s)
    submission = JobSubmission(
        jobs=adapters.jobs, listed=listed, claims=claims, asset_selection=selection, processors=processors, clock=clock
    )
    job_worker = JobWorker(adapters.jobs, chunks, dead_letters, processors, clock, metrics)
    worker = ConsumerLoop(
        queue=adapters.queue,
        dead_letters=dead_letters,
        clock=clock,
        metrics=metrics,
        handle=job_worker.handle,
        topic=Topic.BULK,
        group=JOBS_GROUP,
        batch=settings.index_batch,
    )
    return JobServices(
        selection=selection,
        submission=submission,
        control=JobControl(
            jobs=adapters.jobs,
            dead_letters=dead_letters,
            chunks=chunks,
            controllers=supplied.controllers,
            presence=presence,
            clock=clock,
        ),
        dead_letters=DeadLetterAdmin(
            dead_letters=dead_letters, queue=adapters.queue, jobs=adapters.jobs, chunks=chunks, clock=clock
        ),
        extractor=_extractor(
            settings,
            adapters,
            JobSelections(assets=selection, listed=listed, mismatches=supplied.mismatches),
            processors,
            continuous_check(settings, adapters, submission),
        ),
        worker=worker,
    )


def _extractor(
    settings: Settings,
    adapters: Adapters,
    selections: JobSelections,
    processors: Mapping[str, Processor],
    check: ContinuousCheck,
) -> JobExtractor:
    clock = adapters.clock

    def live_lag() -> int:
        return adapters.queue.lag(Topic.REALTIME, INDEX_GROUP)

    expiry = JobExpiry(
        adapters.jobs, adapters.chunks, adapters.job_ids, adapters.found_ids, clock, settings.repeatable_s
    )
    return JobExtractor(
        jobs=adapters.jobs,
        chunks=adapters.chunks,
        selections=selections,
        queue=adapters.queue,
        leases=adapters.leases,
        clock=clock,
        processors=processors,
        pace=lambda: JobPace(clock, live_lag, settings.job_live_lag),
        chores=Chores(clock=clock, chores={"expire-jobs": expiry.run, "continuous-check": check.run}),
        holder=new_holder(),
        max_failures=settings.job_max_failures,
    )
