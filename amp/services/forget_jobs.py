"""Forgets jobs that ended long ago, whatever they did."""

import structlog

from amp.domain.ids import mint_at
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog

_log = structlog.get_logger(__name__)
_EVERY_S = 3600.0
_AT_ONCE = 200


class ForgetJobs:
    def __init__(self, jobs: JobLog, clock: Clock, kept_s: float) -> None:
        self._jobs = jobs
        self._clock = clock
        self._kept_s = kept_s
        self._ran_s = float("-inf")

    def run(self) -> None:
        """At most once an hour; some hundreds at a time.

        :raises StoreUnavailable: the store does not answer; the next run goes on.
        """
        now_s = self._clock.monotonic_s()
        if now_s - self._ran_s < _EVERY_S:
            return
        old = self._jobs.page(mint_at(self._clock.now_ms() - int(self._kept_s * 1000)), _AT_ONCE)
        ended = [job.id for job in old if job.state.ended]
        for job_id in ended:
            self._jobs.forget(job_id)
        if ended:
            _log.info("old jobs forgotten", action="jobs_forgotten", count=len(ended))
        self._ran_s = now_s
