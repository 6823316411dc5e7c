"""Growing pauses of jobs whose components do not answer, so that they do not delay others."""

from collections.abc import Collection
from uuid import UUID

from amp.ports.clock import Clock
from amp.services.runtime.retry import Backoff


class JobPauses:
    def __init__(self, clock: Clock, backoff: Backoff) -> None:
        self._clock = clock
        self._backoff = backoff
        #: Failures in a row, and when the next attempt is due, in seconds.
        self._pauses: dict[UUID, tuple[int, float]] = {}

    def is_pausing(self, job_id: UUID) -> bool:
        return job_id in self._pauses and self._clock.monotonic_s() < self._pauses[job_id][1]

    def failed(self, job_id: UUID) -> None:
        """Record that a component did not answer; the next pause is longer."""
        failures = self._pauses.get(job_id, (0, 0.0))[0] + 1
        self._pauses[job_id] = failures, self._clock.monotonic_s() + self._backoff.pause_s(failures)

    def answered(self, job_id: UUID) -> None:
        """Record that the components answered; the next pause is short again."""
        self._pauses.pop(job_id, None)

    def keep(self, job_ids: Collection[UUID]) -> None:
        """Remove the pauses of all other jobs."""
        self._pauses = {job_id: pause for job_id, pause in self._pauses.items() if job_id in job_ids}
