"""Restores the documents of lost indices: submits a backfill for each, and marks the bucket complete afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from amp.domain.buckets import Bucket, BucketMap, with_complete
from amp.domain.jobs import AssetJob, Job, JobState
from amp.domain.principals import BUCKET_WORKER
from amp.domain.refills import Refill
from amp.domain.selectors import Selector
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_log import JobRecords
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.submit import JobRequest, JobSubmission

_log = structlog.get_logger(__name__)
#: Jobs that are read at once to find the refill of an index.
_JOBS_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class BucketRefill:
    """Restores lost documents by backfills. There is one backfill for each loss, index and range. If it fails or is
    cancelled, the bucket stays incomplete, so that operators can find the reason. It also stays incomplete while dead
    letters of the backfill are left.
    """

    maps: BucketMaps
    jobs: JobRecords
    dead_letters: DeadLetters
    submission: JobSubmission
    rate: float  #: rate of a backfill, in assets per second
    #: The job of each refill, as far as this process has found it.
    _known: dict[Refill, UUID] = field(default_factory=dict, init=False)

    def run(self) -> None:
        """Submit missing backfills, and complete buckets whose backfill is done.

        :raises Retryable: a component does not answer; run it again.
        """
        bucket_map = self.maps.refresh()
        if not bucket_map.incomplete:
            return
        complete = []
        for bucket in bucket_map.incomplete:
            wanted = _refill_of(bucket, bucket_map)
            job = self._job_of(wanted)
            if job is None:
                self._start(wanted, bucket)
            elif job.state is JobState.COMPLETED and not self.dead_letters.count(job.id):
                complete.append(bucket)
        # Not during a move, which relies on the generations of the map. It keeps the buckets marked as incomplete.
        if complete and bucket_map.move is None and self.maps.replace(with_complete(bucket_map, complete), bucket_map):
            for bucket in complete:
                _log.warning("bucket complete", action="bucket_complete", bucket=bucket.name)

    def _job_of(self, wanted: Refill) -> Job | None:
        """Return the newest backfill that covers this refill."""
        job = self.jobs.get(self._known[wanted]) if wanted in self._known else None
        if job is None:
            job = next((job for job in self._all_jobs() if _covers(job, wanted)), None)
        if job is not None:
            self._known[wanted] = job.id
        return job

    def _all_jobs(self) -> Iterator[Job]:
        """Yield open jobs and then all jobs, newest first: a refill may end long after many later jobs."""
        yield from self.jobs.open()
        before: UUID | None = None
        while page := self.jobs.page(before, _JOBS_AT_ONCE):
            yield from page
            before = page[-1].id

    def _start(self, refill: Refill, bucket: Bucket) -> None:
        to_ms = None if refill.end_s is None else refill.end_s * 1000
        selector = Selector(from_ms=refill.start_s * 1000, to_ms=to_ms)
        request = JobRequest(kind="reindex", selector=selector, rate=self.rate, refills=refill)
        job = self.submission.submit(request, BUCKET_WORKER)
        _log.warning("bucket refill submitted", action="bucket_refill_submitted", bucket=bucket.name, job=str(job.id))


def _covers(job: Job, wanted: Refill) -> bool:
    if not isinstance(job, AssetJob) or job.parameters.refills is None:
        return False
    return job.parameters.refills.covers(wanted)


def _refill_of(bucket: Bucket, bucket_map: BucketMap) -> Refill:
    return Refill(
        index=bucket.index,
        loss_generation=bucket.loss_generation,
        start_s=bucket.start_s,
        end_s=bucket_map.end_s(bucket),
    )
