"""Brings the documents of lost indices back: starts a backfill of each, and tells when it is done."""

import structlog

from amp.domain.buckets import Bucket, BucketMap, with_complete
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.domain.refills import Refill, refill_from_json
from amp.domain.selectors import Selector
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_log import JobLog
from amp.services.bucket_maps import BucketMaps
from amp.services.start_jobs import JobOrder, StartJobs

_log = structlog.get_logger(__name__)
_CALLER = Principal("bucket worker")
#: Ended jobs that are looked through for the one that refilled an index.
_JOBS_BACK = 1_000


class RefillBuckets:
    """One backfill for each loss, index and range. If it fails or is cancelled, the bucket stays incomplete, for people
    to see why; so it does while dead letters of the backfill are left.
    """

    def __init__(self, maps: BucketMaps, jobs: JobLog, letters: DeadLetters, starter: StartJobs, rate: float) -> None:
        self._maps = maps
        self._jobs = jobs
        self._letters = letters
        self._starter = starter
        self._rate = rate

    def run(self) -> None:
        """:raises Retryable: a part does not answer; run it again."""
        bucket_map = self._maps.refresh()
        if not bucket_map.incomplete:
            return
        refills = self._refills()
        complete = []
        for bucket in bucket_map.incomplete:
            wanted = _refill_of(bucket, bucket_map)
            job = next((job for refill, job in refills if refill.covers(wanted)), None)
            if job is None:
                self._start(wanted, bucket)
            elif job.state is JobState.COMPLETED and not self._letters.count(job.id):
                complete.append(bucket)
        # A move goes by the map's generations, and takes the mark along.
        if complete and bucket_map.move is None and self._maps.replace(with_complete(bucket_map, complete), bucket_map):
            for bucket in complete:
                _log.warning("bucket complete", action="bucket_complete", bucket=bucket.name)

    def _refills(self) -> list[tuple[Refill, Job]]:
        """Those that were begun last come first."""
        jobs = [*self._jobs.open(), *self._jobs.page(None, _JOBS_BACK)]
        # Jobs of before name the index alone, and tell nothing of the loss.
        given = [(job.parameters.get("refills"), job) for job in jobs]
        return [(refill_from_json(refill), job) for refill, job in given if isinstance(refill, dict)]

    def _start(self, refill: Refill, bucket: Bucket) -> None:
        to_ms = None if refill.end_s is None else refill.end_s * 1000
        selector = Selector(from_ms=refill.start_s * 1000, to_ms=to_ms)
        order = JobOrder(kind="reindex", selector=selector, rate=self._rate, refills=refill)
        job = self._starter.start(order, _CALLER)
        _log.warning("bucket refilled", action="bucket_refill", bucket=bucket.name, job=str(job.id))


def _refill_of(bucket: Bucket, bucket_map: BucketMap) -> Refill:
    return Refill(
        index=bucket.index,
        loss_generation=bucket.loss_generation,
        start_s=bucket.start_s,
        end_s=bucket_map.end_s(bucket),
    )
