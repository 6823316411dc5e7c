"""The contract of the lists of jobs, over every adapter."""

import pytest

from amp.domain.ids import mint_at
from amp.domain.jobs import JobProgress, JobState
from amp.ports.job_log import JobLog
from amp.profiles import Adapters
from tests.support.asset_samples import id_version_1, id_version_6, now_ms
from tests.support.jobs.job_log import added, all_ids, asset_job, note, stored

DAY_MS = 86_400_000


@pytest.fixture
def fresh_jobs(fresh_store_profile: Adapters) -> JobLog:
    return fresh_store_profile.jobs


def test_pages_go_from_new_to_old_over_years_and_within_a_millisecond(fresh_jobs: JobLog) -> None:
    now = now_ms()
    times = [now] * 7 + [now - days * DAY_MS for days in (0, 1, 29, 30, 31, 400, 4_000)]
    ids = [mint_at(ms) for ms in times]
    for job_id in reversed(ids):
        added(fresh_jobs, id=job_id)
    for limit in (1, 3, 100):
        assert all_ids(fresh_jobs, limit) == sorted(ids, key=lambda job_id: job_id.int, reverse=True)


def test_time_uuids_of_every_version_are_listed_by_their_times(fresh_jobs: JobLog) -> None:
    now = now_ms()
    makers = (id_version_1, mint_at, id_version_6)
    ids = [makers[n % 3](now - n * 7 * DAY_MS) for n in range(12)]
    for job_id in ids[::-1]:
        added(fresh_jobs, id=job_id)
    assert all_ids(fresh_jobs, 2) == ids


def test_a_page_starts_before_a_time_and_has_jobs_without_histories(fresh_jobs: JobLog) -> None:
    now = now_ms()
    old = added(
        fresh_jobs, id=mint_at(now - 90 * DAY_MS), rate=2, progress=JobProgress(done=1), history=(note(1, "one"),)
    )
    new = added(fresh_jobs, id=mint_at(now))
    fresh_jobs.set_state(old.id, JobState.CANCELLED, reason="why not", ended_ms=5)
    shown = asset_job(
        id=old.id,
        state=JobState.CANCELLED,
        reason="why not",
        ended_ms=5,
        rate=2,
        progress=JobProgress(done=1),
        history=(),
    )
    assert fresh_jobs.page(mint_at(now - 30 * DAY_MS), 10) == [shown]
    assert fresh_jobs.page(mint_at(now + 90 * DAY_MS), 10) == [new, shown]
    assert fresh_jobs.page(old.id, 10) == []


def test_open_jobs_are_the_unended_ones_oldest_first_without_histories(fresh_jobs: JobLog) -> None:
    now = now_ms()
    makers = (id_version_1, mint_at, id_version_6)
    all_ = [
        added(fresh_jobs, id=makers[n % 3](now - n * 20 * DAY_MS), rate=n + 1, progress=JobProgress(done=n))
        for n in range(len(JobState))
    ]
    noted = added(fresh_jobs, id=mint_at(now + 5), history=(note(1, "one"),))
    added(fresh_jobs, id=mint_at(now + 6), state=JobState.FAILED, ended_ms=5)
    for job, state in zip(all_, JobState, strict=True):
        fresh_jobs.set_state(job.id, state)
    paused = asset_job(id=all_[1].id, rate=2, progress=JobProgress(done=1), state=JobState.PAUSED)
    for _ in range(2):
        assert fresh_jobs.open() == [paused, all_[0], asset_job(id=noted.id)]


def test_a_job_that_has_ended_is_not_opened_by_adding_it_again(fresh_jobs: JobLog) -> None:
    job = added(fresh_jobs)
    fresh_jobs.set_state(job.id, JobState.FAILED, reason="no room", ended_ms=5)
    assert fresh_jobs.open() == []
    # By who never heard that it was added.
    fresh_jobs.add(job)
    assert fresh_jobs.open() == []


def test_a_change_to_a_job_nobody_added_opens_none(fresh_jobs: JobLog) -> None:
    for age_ms in (0, 400 * DAY_MS):
        fresh_jobs.set_state(mint_at(now_ms() - age_ms), JobState.RUNNING)
    for _ in range(2):
        assert fresh_jobs.open() == []


def test_a_forgotten_job_is_gone_with_its_history_and_no_other(fresh_jobs: JobLog) -> None:
    now = now_ms()
    gone, left = added(fresh_jobs, id=mint_at(now)), added(fresh_jobs, id=mint_at(now))
    for job in (gone, left):
        fresh_jobs.note(job.id, note(1, "a note"))
    for _ in range(2):
        fresh_jobs.forget(gone.id)
        assert fresh_jobs.get(gone.id) is None
        assert all_ids(fresh_jobs, 10) == [left.id]
        assert [job.id for job in fresh_jobs.open()] == [left.id]
    fresh_jobs.set_state(gone.id, JobState.RUNNING)
    assert fresh_jobs.get(gone.id) is None
    assert stored(fresh_jobs, left.id).history == (note(1, "a note"),)
    fresh_jobs.add(gone)
    assert stored(fresh_jobs, gone.id).history == ()
