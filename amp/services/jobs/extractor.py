"""Runs jobs over assets: selects the assets, sends an item for each, and waits for each result (ADR 008)."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

import structlog

from amp.domain.chunks import REPORTED, Chunk, ItemOutcome, ItemResult
from amp.domain.jobs import AssetJob, JobState, UnreadableJob
from amp.domain.storable_text import storable_reason
from amp.errors import AmpError, Retryable
from amp.ports.clock import Clock
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.ports.leases import Leases
from amp.ports.message_queue import MessageQueue
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.pauses import JobPauses
from amp.services.jobs.processor import Processor
from amp.services.jobs.run import JobRun
from amp.services.jobs.selections import JobSelections
from amp.services.jobs.send_chunks import ChunkSender
from amp.services.jobs.states import JobStates
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.services.runtime.polling import PollingLoop
from amp.services.runtime.retry import Backoff, jittered

_log = structlog.get_logger(__name__)
#: Assets of one chunk, and the number of chunks whose results may be outstanding.
CHUNK = 500
WINDOW = 20
_LEASE_S = 15
_LEASE_RENEWED_S = 5.0
_IDLE_S, _BUSY_S = 0.5, 0.1
_BACKOFF = Backoff(first_s=0.2, max_s=5.0)
_SAVE_S = 1.0


class _TakenOver(Exception):
    """Another extractor runs the job, or it has ended."""


@dataclass(frozen=True, kw_only=True)
class JobExtractor:
    """Runs the open jobs over assets, step by step. Any number of extractors may run. Each holds its jobs by a lease.
    Two at one job do no harm, because both write the same chunks and results.

    A job that fails for another reason than a component that does not answer ends as failed with that reason. Other
    jobs continue.
    """

    jobs: JobLog
    chunks: JobChunks
    selections: JobSelections
    queue: MessageQueue
    leases: Leases
    clock: Clock
    processors: Mapping[str, Processor]
    pace: Callable[[], JobPace]
    chores: Chores
    holder: str
    max_failures: int
    _runs: dict[UUID, JobRun] = field(default_factory=dict, init=False)

    @cached_property
    def _sender(self) -> ChunkSender:
        return ChunkSender(queue=self.queue, chunks=self.chunks, clock=self.clock)

    @cached_property
    def _states(self) -> JobStates:
        return JobStates(jobs=self.jobs, clock=self.clock)

    @cached_property
    def _pauses(self) -> JobPauses:
        return JobPauses(self.clock, _BACKOFF)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Jobs under way are left to the next extractor."""
        try:
            PollingLoop(name="extractor", step=self._work, backoff=_BACKOFF).run(stop)
        finally:
            for run in self._runs.values():
                run.lease.release()
            self._runs.clear()

    def run_once(self) -> bool:
        """Advance each open job by a step and return whether any has more to do at once. A job whose components do not
        answer is skipped for a growing pause, and the others continue.

        :raises Retryable: no job that was tried got an answer; call again.
        """
        open_jobs: dict[UUID, AssetJob] = {}
        for open_job in self.jobs.open():
            if isinstance(open_job, AssetJob) and open_job.kind in self.processors:
                open_jobs[open_job.id] = open_job
            elif isinstance(open_job, UnreadableJob) and open_job.kind in self.processors:
                reason = storable_reason(f"the record of the job cannot be read: {open_job.fault}")
                self._states.end(open_job.id, JobState.FAILED, reason)
        for job_id in self._runs.keys() - open_jobs:
            del self._runs[job_id]
        self._pauses.keep(open_jobs.keys())
        tried = [job for job in open_jobs.values() if not self._pauses.is_pausing(job.id)]
        failures: list[Retryable] = []
        for job in tried:
            try:
                self._step_or_fail(job)
                self._pauses.answered(job.id)
            except Retryable as e:
                self._pauses.failed(job.id)
                _log.warning("job retrying", action="job_retrying", job=str(job.id), reason=str(e))
                failures.append(e)
        if failures and len(failures) == len(tried):
            raise failures[-1]
        return bool(self._runs)

    def _work(self, stop: threading.Event) -> float:  # noqa: ARG002 - a step is short
        try:
            busy = self.run_once()
        finally:
            self.chores.run()
        return jittered(_BUSY_S if busy else _IDLE_S)

    def _step_or_fail(self, job: AssetJob) -> None:
        """Advance the job; an error of the job ends it.

        :raises Retryable: a component does not answer.
        """
        try:
            self._step(job)
        except Retryable:
            raise
        except _TakenOver:
            _log.info("job taken over", action="job_taken_over", job=str(job.id))
            if (run := self._runs.pop(job.id, None)) is not None:
                run.lease.release()
        except Exception as e:  # noqa: BLE001 - whatever is wrong with one job, the others shall not suffer
            _log.exception("job failed", action="job_failed", job=str(job.id))
            reason = e.message if isinstance(e, AmpError) else f"unexpected error: {e!r}"
            self._states.end(job.id, JobState.FAILED, storable_reason(reason))
            if (run := self._runs.pop(job.id, None)) is not None:
                run.lease.release()

    def _step(self, job: AssetJob) -> None:
        run = self._held(job)
        if run is None:
            return
        run.job = job
        settled = self._settle(run)
        if run.counts[ItemOutcome.FAILED] > self._limit(job):
            self._end(run, JobState.FAILED, f"more than {self._limit(job):,} assets failed")
        elif run.exhausted and not run.outstanding:
            self._end(run, JobState.COMPLETED)
        else:
            if job.state is JobState.RUNNING:
                self._extract(run)
                self._sender.send_again(run)
            if settled or self.clock.monotonic_s() - run.saved_s > _SAVE_S:
                self._save(run)

    def _held(self, job: AssetJob) -> JobRun | None:
        """Return the run of a job if this process holds its lease."""
        run = self._runs.get(job.id)
        overtaken = run is None or job.checkpoint.settled > run.settled
        if run is not None and not overtaken and run.lease.age_s <= _LEASE_RENEWED_S:
            return run
        lease = self._lease(job.id) if run is None else run.lease
        lapsed = lease.expired
        if not lease.acquire():
            self._runs.pop(job.id, None)
            return None
        if overtaken or lapsed:
            # Another extractor may have advanced it meanwhile, or ended it and removed its chunks.
            run = self._taken_up(job.id, run, lease)
            if run is None:
                lease.release()
        return run

    def _lease(self, job_id: UUID) -> LeaseKeeper:
        return LeaseKeeper(self.leases, self.clock, name=f"job:{job_id}", holder=self.holder, ttl_s=_LEASE_S)

    def _taken_up(self, job_id: UUID, run: JobRun | None, lease: LeaseKeeper) -> JobRun | None:
        """Return the run as this process left it, or as another one advanced it. Return None if the job has ended."""
        latest = self.jobs.get(job_id)
        if not isinstance(latest, AssetJob) or latest.state.ended:
            self._runs.pop(job_id, None)
            return None
        if run is None or latest.checkpoint.settled > run.settled:
            run = self._runs[job_id] = self._resumed(latest, lease)
        run.saved = latest.checkpoint
        return run

    def _resumed(self, job: AssetJob, lease: LeaseKeeper) -> JobRun:
        """Return the run from the checkpoint and the chunks of an earlier extractor."""
        checkpoint = job.checkpoint
        run = JobRun(
            job=job,
            selection=self.selections.of(job, mismatches=self.processors[job.kind].selects_mismatches),
            pace=self.pace(),
            lease=lease,
            settled=checkpoint.settled,
            counts=Counter(checkpoint.counts),
            position=checkpoint.position,
            exhausted=checkpoint.exhausted,
            saved=checkpoint,
        )
        run.selected = run.accounted
        run.measured = (self.clock.monotonic_s(), run.accounted)
        while not run.exhausted and (chunk := self.chunks.get(job.id, run.next_number)) is not None:
            run.add(chunk)
        self._sender.send_missing(run)
        return run

    def _settle(self, run: JobRun) -> bool:
        """Count the chunks that have all their results; return whether there was one."""
        before = run.settled
        while run.outstanding:
            chunk = run.outstanding[0]
            results = self.chunks.results(run.job.id, chunk.number) if chunk.ids else {}
            if not results.keys() >= set(chunk.ids):
                break
            counts = Counter(results[asset_id].outcome for asset_id in chunk.ids)
            counts[ItemOutcome.DONE] += chunk.passed
            run.counts += counts
            run.settled += 1
            if not _has_reported(results):
                run.to_remove.append(chunk.number)
            del run.outstanding[0]
        if run.settled > before:
            run.sent_s = self.clock.monotonic_s()
            self._save(run)
        return run.settled > before

    def _extract(self, run: JobRun) -> None:
        """Create chunks as far as the window and the pace allow, and send their items."""
        sample = run.job.parameters.sample
        while not run.exhausted and len(run.outstanding) < WINDOW:
            wanted = CHUNK if sample is None else min(CHUNK, sample - run.selected)
            room = run.pace.room(run.job.rate, wanted)
            if not room:
                return
            step = run.selection.step(run.position, room)
            if step.unfinished or run.lease.expired:
                return  # without the lease, another extractor may have settled and removed a chunk of this number
            # If another extractor has created this chunk, its chunk is returned.
            chunk = self.chunks.begin(
                Chunk(
                    job_id=run.job.id, number=run.next_number, ids=step.ids, passed=step.passed, position=step.position
                )
            )
            run.add(chunk)
            run.pace.consume(len(chunk.ids) + chunk.passed)
            self._sender.send(run, chunk, chunk.ids)

    def _save(self, run: JobRun) -> None:
        """Save progress and checkpoint.

        :raises _TakenOver: this process was delayed, and another one has advanced the job or ended it.
        """
        # After such a delay, another process may have taken over the job in the middle of a step.
        if run.lease.expired and self._taken_up(run.job.id, run, run.lease) is not run:
            raise _TakenOver
        now_s = self.clock.monotonic_s()
        run.measure(now_s)
        checkpoint = run.checkpoint()
        if not self.jobs.save_progress(run.job.id, run.progress(), checkpoint, expected=run.saved):
            raise _TakenOver
        run.saved, run.saved_s = checkpoint, now_s
        while run.to_remove:
            self.chunks.forget(run.job.id, run.to_remove[-1:])
            run.to_remove.pop()

    def _end(self, run: JobRun, state: JobState, reason: str = "") -> None:
        run.speed = None
        self._save(run)
        if self._states.end(run.job.id, state, reason):
            _log.info("job ended", action="job_ended", job=str(run.job.id), state=state, counts=dict(run.counts))
        del self._runs[run.job.id]
        run.lease.release()

    def _limit(self, job: AssetJob) -> int:
        limit = job.parameters.max_failures
        return self.max_failures if limit is None else limit


def _has_reported(results: Mapping[UUID, ItemResult]) -> bool:
    return any(result.outcome in REPORTED for result in results.values())
