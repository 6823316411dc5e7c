"""Forgets jobs that ended long ago, with everything that was kept for them but their dead letters."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import structlog

from amp.domain.ids import mint_at
from amp.domain.jobs import Job
from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.job_chunks import JobChunks
from amp.ports.job_ids import JobIds
from amp.ports.job_log import JobLog
from amp.services.jobs.ended_counts import chunk_count

_log = structlog.get_logger(__name__)
_EVERY_S = 3600.0
_PAGE = 200
#: What one run removes at most, so that whoever runs it is not held up: chunks of jobs.
_CHUNKS_AT_ONCE = 2_000


class JobExpiry:
    def __init__(self, jobs: JobLog, chunks: JobChunks, ids: JobIds, clock: Clock, kept_s: float) -> None:
        """:param kept_s: how long jobs are kept after they were asked for."""
        self._jobs = jobs
        self._chunks = chunks
        self._ids = ids
        self._clock = clock
        self._kept_ms = kept_s * 1000
        self._ran_s = float("-inf")
        #: Jobs that are yet to be forgotten in this round; None: no round is under way.
        self._round: Iterator[None] | None = None

    def run(self) -> None:
        """One step of a round; at most one round an hour.

        :raises Retryable: the store does not answer; the next run goes on with another job.
        """
        now_s = self._clock.monotonic_s()
        if self._round is None:
            if now_s - self._ran_s < _EVERY_S:
                return
            self._round = self._forget_old()
        try:
            next(self._round)
        except StopIteration:
            self._round, self._ran_s = None, now_s
        except BaseException:
            self._round = None
            raise

    def _forget_old(self) -> Iterator[None]:
        """Yields wherever whoever runs it may do something else; all jobs have their turn before an error is raised."""
        failure: Exception | None = None
        forgotten = 0
        for job in self._old():
            try:
                yield from self._forget(job)
                forgotten += 1
            except Exception as e:  # noqa: BLE001 - whatever is wrong with one job, the others are forgotten
                if not isinstance(e, Retryable):
                    _log.exception("job not forgotten", action="job_not_forgotten", job=str(job.id))
                failure = e
        if forgotten:
            _log.info("old jobs forgotten", action="jobs_forgotten", count=forgotten)
        if failure is not None:
            raise failure

    def _old(self) -> Iterator[Job]:
        before: UUID | None = mint_at(max(0, int(self._clock.now_ms() - min(self._kept_ms, 1e15))))
        while page := self._jobs.page(before, _PAGE):
            yield from (job for job in page if job.state.ended)
            before = page[-1].id

    def _forget(self, job: Job) -> Iterator[None]:
        """The last chunk first: what is left after a death shows how far they go. The job itself goes last."""
        numbers = iter(reversed(range(chunk_count(self._chunks, job))))
        while some := list(islice(numbers, _CHUNKS_AT_ONCE)):
            self._chunks.forget(job.id, some)
            yield
        self._ids.forget(job.id)
        self._jobs.forget(job.id)
        yield
