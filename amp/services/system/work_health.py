"""Reports work that waits because no worker runs: changes to index, jobs, and the move under way."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from amp.domain.health import ComponentHealth
from amp.domain.jobs import JobState
from amp.domain.moves import MOVE_KINDS
from amp.domain.worker_kinds import WorkerKind
from amp.errors import Retryable
from amp.ports.job_log import JobRecords
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.jobs.workers import ASSET_JOB_WORKERS, MOVE_WORKERS
from amp.services.runtime.presence import WorkerPresence

#: Maximum waiting jobs that are listed; the others are counted.
_MAX_JOBS = 20


@dataclass(frozen=True, kw_only=True)
class WorkHealth:
    presence: WorkerPresence
    queue: MessageQueue
    jobs: JobRecords
    maps: BucketMaps
    #: Workers are processes of their own. Otherwise `amp serve` runs them, and without it they are missing only where
    #: something waits.
    own_processes: bool

    def waiting(self) -> Sequence[ComponentHealth]:
        """Return one entry for each kind of worker that is missing or has stopped, and for each job and move that waits
        for one. Empty while the cache, through which workers are known, does not answer.

        :raises NotMigrated, StoreUnavailable: jobs or the map cannot be read.
        """
        stopped = [
            ComponentHealth(f"{kind} worker", False, f"stopped: {reason}")
            for kind, reason in self.presence.stopped().items()
        ]
        missing = frozenset(self.presence.missing(*WorkerKind))
        if not missing:
            return stopped
        return [*stopped, *self._workers(missing), *self._move(missing), *self._waiting_jobs(missing)]

    def _workers(self, missing: frozenset[str]) -> list[ComponentHealth]:
        found = []
        if WorkerKind.INDEX in missing and (waits := self._changes_wait()):
            found.append(
                ComponentHealth("index worker", False, f"none runs; {waits}: {self._remedy(WorkerKind.INDEX)}")
            )
        if self.own_processes and WorkerKind.RELAY in missing:
            detail = "none runs; a change whose message was lost is not indexed"
            found.append(ComponentHealth("relay", False, f"{detail}: {self._remedy(WorkerKind.RELAY)}"))
        if self.own_processes and WorkerKind.BUCKET in missing:
            detail = "none runs; moves wait, and a lost index is not replaced"
            found.append(ComponentHealth("bucket worker", False, f"{detail}: {self._remedy(WorkerKind.BUCKET)}"))
        return found

    def _changes_wait(self) -> str:
        """Return a message about the changes that wait for the index worker; empty if none do."""
        lag = None
        with suppress(Retryable):
            lag = self.queue.lag(Topic.REALTIME, INDEX_GROUP)
        if lag:
            return "1 change waits to be indexed" if lag == 1 else f"{lag:,} changes wait to be indexed"
        return "changes are not indexed" if self.own_processes else ""

    def _move(self, missing: frozenset[str]) -> list[ComponentHealth]:
        move = self.maps.current().move
        if move is None or missing.isdisjoint(MOVE_WORKERS):
            return []
        return [
            ComponentHealth(f"job {move.id}", False, f"{move.kind} waits for a worker: {self._remedy(*MOVE_WORKERS)}")
        ]

    def _waiting_jobs(self, missing: frozenset[str]) -> list[ComponentHealth]:
        needed = [kind for kind in ASSET_JOB_WORKERS if kind in missing]
        if not needed:
            return []
        jobs = [job for job in self.jobs.open() if job.state is JobState.RUNNING and job.kind not in MOVE_KINDS]
        remedy = self._remedy(*needed)
        found = [
            ComponentHealth(f"job {job.id}", False, f"{job.kind} waits for a worker: {remedy}")
            for job in jobs[:_MAX_JOBS]
        ]
        if len(jobs) > _MAX_JOBS:
            detail = f"{len(jobs) - _MAX_JOBS:,} more jobs wait for a worker: {remedy}"
            found.append(ComponentHealth("jobs", False, detail))
        return found

    def _remedy(self, *kinds: str) -> str:
        if not self.own_processes:
            return "run `amp serve`"
        return "run " + " and ".join(f"`amp worker {kind}`" for kind in kinds)
