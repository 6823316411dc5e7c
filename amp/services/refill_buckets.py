"""Brings the documents of lost indices back: starts a backfill of each, and tells when it is done."""

from dataclasses import replace

import structlog

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.chunks import Outcome
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.domain.selectors import Selector
from amp.ports.job_log import JobLog
from amp.services.bucket_maps import BucketMaps
from amp.services.start_jobs import JobOrder, StartJobs

_log = structlog.get_logger(__name__)
_CALLER = Principal("bucket worker")
#: Ended jobs that are looked through for the one that refilled an index.
_JOBS_BACK = 1_000


class RefillBuckets:
    """One backfill for each index that stands in for a lost one. If it fails or is cancelled, the bucket stays
    incomplete, for people to see why.
    """

    def __init__(self, maps: BucketMaps, jobs: JobLog, starter: StartJobs, rate: float) -> None:
        self._maps = maps
        self._jobs = jobs
        self._starter = starter
        self._rate = rate

    def run(self) -> None:
        """:raises Retryable: a part does not answer; run it again."""
        bucket_map = self._maps.refresh()
        for position, bucket in enumerate(bucket_map.buckets):
            if not bucket.incomplete:
                continue
            job = self._job_of(bucket)
            if job is None:
                self._start(bucket, bucket_map.end_ms(position))
            elif job.state is JobState.COMPLETED and not job.progress.get("counts", {}).get(Outcome.FAILED):
                self._complete(bucket, bucket_map)
                return  # the map is another now

    def _job_of(self, bucket: Bucket) -> Job | None:
        jobs = [*self._jobs.open(), *self._jobs.page(None, _JOBS_BACK)]
        return next((job for job in jobs if job.parameters.get("refills") == bucket.index), None)

    def _start(self, bucket: Bucket, end_ms: int | None) -> None:
        selector = Selector(from_ms=bucket.start_s * 1000, to_ms=end_ms)
        order = JobOrder(kind="reindex", selector=selector, rate=self._rate, refills=bucket.index)
        job = self._starter.start(order, _CALLER)
        _log.warning("bucket refilled", action="bucket_refill", bucket=bucket.name, job=str(job.id))

    def _complete(self, bucket: Bucket, bucket_map: BucketMap) -> None:
        # A move goes by the map's generations, and takes the mark along.
        if bucket_map.move is None:
            buckets = tuple(replace(b, incomplete=b.incomplete and b != bucket) for b in bucket_map.buckets)
            full = BucketMap(generation=bucket_map.generation + 1, buckets=buckets)
            if self._maps.replace(full, bucket_map):
                _log.warning("bucket complete", action="bucket_complete", bucket=bucket.name)
