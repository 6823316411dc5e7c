"""Controls moves as jobs: the bucket map says which one is under way."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from amp.domain.ids import created_ms
from amp.domain.jobs import Job, JobState
from amp.domain.moves import MOVE_KINDS, Move, Phase
from amp.domain.principals import Principal
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.control import UnderWay
from amp.services.jobs.states import JobStates
from amp.services.moves.plan import MovePlanning

#: Time, in milliseconds, for which a job may have a record before its move is in the map.
_BEGINNING_MS = 60_000
_NEVER_BEGAN = "it never began: the process that recorded it stopped before the move was in the bucket map"


def under_way(move: Move) -> UnderWay:
    """Return the move as a job."""
    return UnderWay(move.id, move.phase.value, move.phase is Phase.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class MoveController:
    """A `JobController`. A move ends in its record first and then in the map, so a record that is open without a move
    in the map belongs to a move that never began.
    """

    jobs: JobLog
    maps: BucketMaps
    planning: MovePlanning
    clock: Clock
    kinds: Collection[str] = MOVE_KINDS

    def under_way(self) -> UnderWay | None:
        move = self.maps.refresh().move
        return None if move is None else under_way(move)

    def settled(self, job: Job) -> Job:
        if job.state.ended or self.clock.now_ms() - created_ms(job.id) < _BEGINNING_MS:
            return job
        JobStates(jobs=self.jobs, clock=self.clock).end(job.id, JobState.FAILED, _NEVER_BEGAN)
        return self.jobs.get(job.id) or job

    def cancel(self, job_id: UUID, principal: Principal) -> None:
        self.planning.cancel(job_id, principal)
