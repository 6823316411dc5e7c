"""Whoever pauses, resumes, cancels or ends a job at once, on either store: what was acknowledged stands."""

from collections.abc import Callable
from functools import partial

import pytest

from amp.adapter_sets import Adapters
from amp.adapters.clock import SystemClock
from amp.domain.buckets import BucketMap, first_map
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.errors import Conflict
from amp.services.job_states import JobStates
from amp.services.steer_jobs import SteerJobs
from tests.contract.asset_samples import at_once, now_ms

_TRIES = 60
_CALLER = Principal("ann")


class _NoMove:
    """A bucket map in which no move is under way."""

    def refresh(self) -> BucketMap:
        return first_map("amp")


@pytest.fixture
def steer(store_set: Adapters) -> SteerJobs:
    maps, planner = _NoMove(), None
    return SteerJobs(store_set.jobs, store_set.letters, store_set.chunks, maps, planner, SystemClock())  # type: ignore[arg-type]


def _added(store_set: Adapters, state: JobState) -> Job:
    job = Job(id=mint_at(now_ms()), kind="delete", parameters={}, requested_by="ann", state=state)
    store_set.jobs.add(job)
    return job


def _state(store_set: Adapters, job: Job) -> JobState:
    found = store_set.jobs.get(job.id)
    assert found is not None
    return found.state


def _acknowledged(call: Callable[[], object]) -> bool:
    try:
        call()
    except Conflict:
        return False
    return True


@pytest.mark.parametrize("other", ["pause", "resume"])
def test_a_cancel_that_was_acknowledged_stands(store_set: Adapters, steer: SteerJobs, other: str) -> None:
    for _ in range(_TRIES):
        job = _added(store_set, JobState.RUNNING if other == "pause" else JobState.PAUSED)
        against = partial(getattr(steer, other), job.id, _CALLER)
        cancelled, _ = at_once([partial(_acknowledged, partial(steer.cancel, job.id, _CALLER)),
                                partial(_acknowledged, against)])  # fmt: skip
        assert cancelled
        assert _state(store_set, job) is JobState.CANCELLED


def test_of_a_cancel_and_an_end_at_once_one_is_refused(store_set: Adapters, steer: SteerJobs) -> None:
    states = JobStates(jobs=store_set.jobs, clock=SystemClock())
    for _ in range(_TRIES):
        job = _added(store_set, JobState.RUNNING)
        cancelled, ended = at_once([
            partial(_acknowledged, partial(steer.cancel, job.id, _CALLER)),
            partial(states.end, job.id, JobState.COMPLETED),
        ])  # fmt: skip
        assert cancelled != ended
        assert _state(store_set, job) is (JobState.CANCELLED if cancelled else JobState.COMPLETED)


def test_all_controls_at_once_leave_one_history(store_set: Adapters, steer: SteerJobs) -> None:
    """The notes tell what was done; as many as there were changes, and an end is the last of them."""
    for _ in range(10):
        job = _added(store_set, JobState.RUNNING)
        controls = [steer.pause, steer.resume, steer.cancel] * 2
        at_once([partial(_acknowledged, partial(control, job.id, _CALLER)) for control in controls])
        found = steer.get(job.id).job
        assert found.state is JobState.CANCELLED
        notes = [note.text for note in found.history]
        assert notes.count("cancelled by ann") == 1
        assert len(notes) <= len(controls)
