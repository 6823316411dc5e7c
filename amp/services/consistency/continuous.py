"""Checks the whole index continuously: one check job after the other, at most one per hour."""

import structlog

from amp.domain.ids import created_ms
from amp.domain.principals import CONTINUOUS_CHECK
from amp.domain.selectors import Selector
from amp.ports.clock import Clock
from amp.ports.job_log import JobRecords
from amp.ports.leases import Leases
from amp.services.jobs.submit import JobRequest, JobSubmission
from amp.services.runtime.leases import LeaseKeeper

_log = structlog.get_logger(__name__)
_LEASE, _LEASE_S = "continuous-check", 60
_LOOK_EVERY_S = 60.0
#: Minimum time between the starts of two checks, in seconds.
_LEAST_MS = 3_600_000
#: Number of newest jobs in which the last check is searched.
_JOBS_BACK = 100


class ContinuousCheck:
    def __init__(
        self,
        jobs: JobRecords,
        submission: JobSubmission,
        leases: Leases,
        clock: Clock,
        *,
        holder: str,
        rate: float | None,
    ) -> None:
        """:param rate: assets per second; None: no continuous check."""
        self._jobs = jobs
        self._submission = submission
        self._lease = LeaseKeeper(leases, clock, name=_LEASE, holder=holder, ttl_s=_LEASE_S)
        self._clock = clock
        self._rate = rate
        self._looked_s = float("-inf")

    def run(self) -> None:
        """Submit the next check if it is due.

        :raises Retryable: a component does not answer; the next run tries again.
        """
        now_s = self._clock.monotonic_s()
        if self._rate is None or now_s - self._looked_s < _LOOK_EVERY_S:
            return
        if self._lease.acquire() and self._is_due():
            job = self._submission.submit(
                JobRequest(kind="check", selector=Selector(), rate=self._rate), CONTINUOUS_CHECK
            )
            _log.info("continuous check submitted", action="continuous_check_submitted", job=str(job.id))
        self._looked_s = now_s

    def _is_due(self) -> bool:
        latest_ms = self._clock.now_ms() - _LEAST_MS
        own = [
            job
            for job in (*self._jobs.open(), *self._jobs.page(None, _JOBS_BACK))
            if job.requested_by == CONTINUOUS_CHECK.name
        ]
        return all(job.state.ended and created_ms(job.id) < latest_ms for job in own)
