"""Brings the documents of lost indices back: starts a backfill of each, and tells when it is done."""

import structlog

from amp.domain.buckets import Bucket, with_complete
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
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
    """One backfill for each index that stands in for a lost one. If it fails or is cancelled, the bucket stays
    incomplete, for people to see why; so it does while dead letters of the backfill are left.
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
        jobs = self._refills()
        complete = []
        for bucket in bucket_map.incomplete:
            job = jobs.get(bucket.index)
            if job is None:
                self._start(bucket, bucket_map.end_s(bucket))
            elif job.state is JobState.COMPLETED and not self._letters.count(job.id):
                complete.append(bucket)
        # A move goes by the map's generations, and takes the mark along.
        if complete and bucket_map.move is None and self._maps.replace(with_complete(bucket_map, complete), bucket_map):
            for bucket in complete:
                _log.warning("bucket complete", action="bucket_complete", bucket=bucket.name)

    def _refills(self) -> dict[str, Job]:
        """The last one of each index that is refilled."""
        jobs = [*reversed(self._jobs.page(None, _JOBS_BACK)), *self._jobs.open()]
        return {str(job.parameters["refills"]): job for job in jobs if job.parameters.get("refills")}

    def _start(self, bucket: Bucket, end_s: int | None) -> None:
        selector = Selector(from_ms=bucket.start_s * 1000, to_ms=None if end_s is None else end_s * 1000)
        order = JobOrder(kind="reindex", selector=selector, rate=self._rate, refills=bucket.index)
        job = self._starter.start(order, _CALLER)
        _log.warning("bucket refilled", action="bucket_refill", bucket=bucket.name, job=str(job.id))
