"""A job sees every asset it selected accounted for once, whatever dies or does not answer, and wherever."""

from dataclasses import replace

import pytest

from amp.domain.chunks import ItemOutcome
from amp.domain.ids import mint_at
from amp.domain.jobs import JobState
from amp.domain.selectors import Selector
from amp.ports.message_queue import Topic
from amp.services.jobs.worker import JOBS_GROUP
from tests.support.asset_samples import now_ms
from tests.support.jobs.environment import ASSETS, CHUNK, LEASE_S, WINDOW, JobEnvironment


def test_a_job_accounts_for_every_asset_and_ends(environment: JobEnvironment) -> None:
    job = environment.job()
    environment.finish(job, environment.extractor())
    environment.require_complete(job)
    assert set(environment.processor.processed.values()) == {1}
    assert [note.text for note in environment.now(job).history] == ["completed"]
    assert environment.now(job).ended_ms is not None


def test_a_job_of_nothing_completes(environment: JobEnvironment) -> None:
    found = environment.finish(environment.job(Selector(type="nothing")), environment.extractor())
    assert found.state is JobState.COMPLETED
    assert (found.progress.done, found.progress.documents) == (0, 0)


def test_no_more_chunks_are_outstanding_than_the_window_holds(environment: JobEnvironment) -> None:
    job, extractor = environment.job(), environment.extractor()
    for _ in range(5):
        extractor.run_once()
        assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert environment.chunks.get(job.id, WINDOW) is None
    environment.work()
    extractor.run_once()
    assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert environment.now(job).checkpoint.settled == WINDOW


def test_chunks_that_tell_nothing_are_forgotten_and_the_others_kept(environment: JobEnvironment) -> None:
    job = environment.job()
    environment.require_forgotten(environment.finish(job, environment.extractor()))


def test_a_sample_is_of_so_many_assets_and_no_more(environment: JobEnvironment) -> None:
    for sample in (1, 2, 3, ASSETS, ASSETS + 5):
        found = environment.finish(environment.job(parameters={"sample": sample}), environment.extractor())
        assert found.progress.done == sum(environment.processor.processed.values()) == min(sample, ASSETS)


def test_a_job_of_listed_ids_is_for_these_alone(environment: JobEnvironment) -> None:
    job = environment.listed_job(ids := [*environment.ids[:2], mint_at(5)])
    environment.finish(job, environment.extractor())
    assert set(ids) <= set(environment.processor.processed)
    assert environment.now(job).progress.done == 3


def test_a_job_of_listed_ids_keeps_to_its_window_and_its_pauses(environment: JobEnvironment) -> None:
    job, extractor = environment.listed_job(environment.ids), environment.extractor()
    for _ in range(3):
        extractor.run_once()
        assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    environment.jobs.set_state(job.id, JobState.PAUSED)
    environment.work()
    for _ in range(3):
        extractor.run_once()
        environment.extractor().run_once()
        assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == 0
        environment.clock.now_s += LEASE_S + 1
    environment.jobs.set_state(job.id, JobState.RUNNING)
    environment.finish(job, extractor)
    assert set(environment.processor.processed.values()) == {1}
    environment.require_complete(job)


def test_a_job_whose_ids_are_gone_fails_and_says_so(environment: JobEnvironment) -> None:
    job = environment.listed_job(environment.ids)
    environment.job_ids.forget(job.id)
    found = environment.finish(job, environment.extractor())
    assert (found.state, found.reason) == (JobState.FAILED, "the list of ids of the job was removed")


def test_a_job_of_listed_ids_keeps_to_its_rate(environment: JobEnvironment) -> None:
    job, start_s = environment.listed_job(environment.ids, rate=1.0), environment.clock.now_s
    environment.finish(job, environment.extractor(), step_s=0.25)
    environment.require_complete(job)
    assert environment.clock.now_s - start_s >= ASSETS - 2


def test_a_paused_job_makes_no_new_chunks_and_settles_those_that_are_out(environment: JobEnvironment) -> None:
    job, extractor = environment.job(), environment.extractor()
    extractor.run_once()
    environment.jobs.set_state(job.id, JobState.PAUSED)
    environment.work()
    for _ in range(100):
        extractor.run_once()
        environment.clock.now_s += 1
    assert environment.now(job).progress.done == CHUNK * WINDOW
    assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == 0
    environment.jobs.set_state(job.id, JobState.RUNNING)
    environment.finish(job, extractor)
    environment.require_complete(job)


def test_a_cancelled_job_is_left_alone(environment: JobEnvironment) -> None:
    job, extractor = environment.job(), environment.extractor()
    assert extractor.run_once()
    environment.jobs.set_state(job.id, JobState.CANCELLED)
    assert not extractor.run_once()
    assert environment.now(job).state is JobState.CANCELLED


def test_a_job_with_more_failures_than_it_may_have_fails(environment: JobEnvironment) -> None:
    found = environment.finish(environment.job(parameters={"max_failures": 0}), environment.extractor())
    assert found.state is JobState.FAILED
    assert "0" in found.reason
    assert (found.progress.counts or {})[ItemOutcome.FAILED] == 1


def test_a_kind_without_a_processor_is_left_to_others(environment: JobEnvironment) -> None:
    job = replace(environment.job(), id=mint_at(now_ms()), kind="another")
    environment.jobs.add(job)
    environment.extractor().run_once()
    assert environment.chunks.get(job.id, 0) is None


def test_several_jobs_go_on_beside_each_other(environment: JobEnvironment) -> None:
    jobs, extractor = [environment.job() for _ in range(3)], environment.extractor()
    for job in jobs:
        environment.finish(job, extractor)
    for job in jobs:
        environment.require_complete(job)


@pytest.mark.parametrize("rate", [0.5, 3.0])
def test_a_rate_holds_back_the_chunks(environment: JobEnvironment, rate: float) -> None:
    job, extractor = environment.job(rate=rate), environment.extractor()
    start_s = environment.clock.now_s
    environment.finish(job, extractor, step_s=0.25)
    environment.require_complete(job)
    assert environment.clock.now_s - start_s >= (ASSETS - 2) / rate


def test_a_job_shows_how_fast_it_goes_and_how_long_it_takes(environment: JobEnvironment) -> None:
    job, extractor = environment.job(parameters={"about": 40}), environment.extractor()
    extractor.run_once()
    environment.work()
    environment.clock.now_s += 2
    extractor.run_once()
    progress = environment.now(job).progress
    assert progress.documents == 40
    assert progress.rate > 0
    assert progress.remaining_s > 0
    assert environment.finish(job, extractor).progress.documents == ASSETS
