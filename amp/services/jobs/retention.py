"""Removes jobs past their retention, with all that is stored for them except their dead letters."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import structlog

from amp.domain.ids import mint_at
from amp.domain.jobs import AssetJob, Job
from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.found_ids import FoundIds
from amp.ports.job_chunks import JobChunks
from amp.ports.job_ids import JobIds
from amp.ports.job_log import JobRecords
from amp.services.jobs.ended_counts import chunk_count

_log = structlog.get_logger(__name__)
_EVERY_S = 3600.0
_PAGE = 200
#: Maximum chunks that one run removes, so that it does not delay its caller.
_CHUNKS_AT_ONCE = 2_000


class JobExpiry:
    def __init__(
        self,
        jobs: JobRecords,
        chunks: JobChunks,
        ids: JobIds,
        found: FoundIds,
        clock: Clock,
        retention_s: float,
    ) -> None:
        """:param retention_s: how long jobs are kept after they were submitted, in seconds."""
        self._jobs = jobs
        self._chunks = chunks
        self._ids = ids
        self._found = found
        self._clock = clock
        self._retention_ms = retention_s * 1000
        self._ran_s = float("-inf")
        #: The rest of the round under way; None: no round is under way.
        self._round: Iterator[None] | None = None

    def run(self) -> None:
        """Run one step of a round. There is at most one round per hour.

        :raises Retryable: the store does not answer; the next run continues with another job.
        """
        now_s = self._clock.monotonic_s()
        if self._round is None:
            if now_s - self._ran_s < _EVERY_S:
                return
            self._round = self._remove_old()
        try:
            next(self._round)
        except StopIteration:
            self._round, self._ran_s = None, now_s
        except BaseException:
            self._round = None
            raise

    def _remove_old(self) -> Iterator[None]:
        """Remove old jobs, and yield after each bounded step. All jobs are tried before an error is raised."""
        failure: Exception | None = None
        removed = 0
        for job in self._old():
            try:
                yield from self._remove(job)
                removed += 1
            except Exception as e:  # noqa: BLE001 - an error of one job must not keep the others
                if not isinstance(e, Retryable):
                    _log.exception("could not remove job", action="job_not_removed", job=str(job.id))
                failure = e
        if removed:
            _log.info("old jobs removed", action="jobs_removed", count=removed)
        if failure is not None:
            raise failure

    def _old(self) -> Iterator[Job]:
        before: UUID | None = mint_at(max(0, int(self._clock.now_ms() - min(self._retention_ms, 1e15))))
        while page := self._jobs.page(before, _PAGE):
            yield from (job for job in page if job.state.ended)
            before = page[-1].id

    def _remove(self, job: Job) -> Iterator[None]:
        """Remove a job. The last chunk is removed first, so that after a kill the rest shows how many there are. The
        job itself is removed last.
        """
        if isinstance(job, AssetJob):
            numbers = iter(reversed(range(chunk_count(self._chunks, job))))
            while some := list(islice(numbers, _CHUNKS_AT_ONCE)):
                self._chunks.forget(job.id, some)
                yield
            self._ids.forget(job.id)
            self._found.forget(job.id)
        self._jobs.forget(job.id)
        yield
