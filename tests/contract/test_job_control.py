"""Whoever pauses, resumes, cancels or ends a job at once, on either store: what was acknowledged stands."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.errors import Conflict, StoreUnavailable
from amp.profiles import Adapters
from amp.services.jobs.control import JobControl
from amp.services.jobs.states import JobStates
from amp.services.runtime.presence import WorkerPresence
from tests.support.asset_samples import at_once
from tests.support.background import background_threads
from tests.support.jobs.job_log import asset_job

_TRIES = 60
_PRINCIPAL = Principal("ann")


@pytest.fixture
def steer(store_profile: Adapters) -> JobControl:
    s, presence = store_profile, WorkerPresence(cache=MemoryCache(), background=background_threads())
    return JobControl(
        jobs=s.jobs,
        dead_letters=s.dead_letters,
        chunks=s.chunks,
        controllers=(),
        presence=presence,
        clock=SystemClock(),
    )


def _added(store_profile: Adapters, state: JobState) -> Job:
    job = asset_job(state=state)
    store_profile.jobs.add(job)
    return job


def _state(store_profile: Adapters, job: Job) -> JobState:
    found = store_profile.jobs.get(job.id)
    assert found is not None
    return found.state


def _acknowledged(call: Callable[[], object]) -> bool:
    try:
        call()
    except Conflict:
        return False
    return True


@pytest.mark.parametrize("other", ["pause", "resume"])
def test_a_cancel_that_was_acknowledged_stands(store_profile: Adapters, steer: JobControl, other: str) -> None:
    for _ in range(_TRIES):
        job = _added(store_profile, JobState.RUNNING if other == "pause" else JobState.PAUSED)
        against = partial(getattr(steer, other), job.id, _PRINCIPAL)
        cancelled, _ = at_once([partial(_acknowledged, partial(steer.cancel, job.id, _PRINCIPAL)),
                                partial(_acknowledged, against)])  # fmt: skip
        assert cancelled
        assert _state(store_profile, job) is JobState.CANCELLED


def test_of_a_cancel_and_an_end_at_once_one_is_refused(store_profile: Adapters, steer: JobControl) -> None:
    states = JobStates(jobs=store_profile.jobs, clock=SystemClock())
    for _ in range(_TRIES):
        job = _added(store_profile, JobState.RUNNING)
        cancelled, ended = at_once([
            partial(_acknowledged, partial(steer.cancel, job.id, _PRINCIPAL)),
            partial(states.end, job.id, JobState.COMPLETED),
        ])  # fmt: skip
        assert cancelled != ended
        assert _state(store_profile, job) is (JobState.CANCELLED if cancelled else JobState.COMPLETED)


def test_all_controls_at_once_leave_a_note_of_each_change(
    store_profile: Adapters, steer: JobControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of nothing else: what came too late leaves none."""
    changes: list[bool] = []
    set_state = store_profile.jobs.set_state

    def counted(*args: Any, **named: Any) -> bool:
        changes.append(changed := set_state(*args, **named))
        return changed

    monkeypatch.setattr(store_profile.jobs, "set_state", counted)
    for _ in range(10):
        changes.clear()
        job = _added(store_profile, JobState.RUNNING)
        controls = [steer.pause, steer.resume, steer.cancel] * 2
        # Each in another name: the same note twice within a millisecond is one.
        callers = [Principal(f"ann {number}") for number in range(len(controls))]
        calls = [partial(control, job.id, caller) for control, caller in zip(controls, callers, strict=True)]
        at_once([partial(_acknowledged, call) for call in calls])
        found = steer.get(job.id, Principal()).job
        assert found.state is JobState.CANCELLED
        notes = [note.text for note in found.history]
        assert len([note for note in notes if note.startswith("cancelled by ann ")]) == 1
        assert len(notes) == sum(changes)


@pytest.mark.parametrize("control", ["pause", "cancel"])
def test_a_control_is_noted_although_the_store_takes_no_further_write(
    store_profile: Adapters, steer: JobControl, monkeypatch: pytest.MonkeyPatch, control: str
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("on purpose")

    job = _added(store_profile, JobState.RUNNING)
    with monkeypatch.context() as patch:
        patch.setattr(store_profile.jobs, "note", refuse)
        with suppress(StoreUnavailable):
            getattr(steer, control)(job.id, _PRINCIPAL)
    getattr(steer, control)(job.id, _PRINCIPAL)
    [note] = steer.get(job.id, Principal()).job.history
    assert note.text.endswith("ed by ann")
