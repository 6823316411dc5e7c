"""A job sees every asset it selected accounted for once, whatever dies or does not answer, and wherever."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.domain.chunks import REPORTED, ItemOutcome
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState
from amp.domain.selectors import Selector
from amp.errors import StoreUnavailable
from amp.ports.message_queue import Topic
from amp.services.jobs.extractor import JobExtractor
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.worker import JOBS_GROUP
from amp.services.runtime.chores import Chores
from tests.support.asset_samples import now_ms
from tests.support.jobs.environment import (
    ASSETS,
    CHUNK,
    LEASE_S,
    WINDOW,
    JobEnvironment,
    Killed,
    at_call,
    die,
    not_answer,
    outcome_of,
)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobEnvironment]:
    monkeypatch.setattr("amp.services.jobs.extractor.CHUNK", CHUNK)
    monkeypatch.setattr("amp.services.jobs.extractor.WINDOW", WINDOW)
    with closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        yield JobEnvironment(database)


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
    assert (found.progress["done"], found.progress["documents"]) == (0, 0)


def test_no_more_chunks_are_outstanding_than_the_window_holds(environment: JobEnvironment) -> None:
    job, extractor = environment.job(), environment.extractor()
    for _ in range(5):
        extractor.run_once()
        assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert environment.chunks.get(job.id, WINDOW) is None
    environment.work()
    extractor.run_once()
    assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert environment.now(job).checkpoint["settled"] == WINDOW


def test_chunks_that_tell_nothing_are_forgotten_and_the_others_kept(environment: JobEnvironment) -> None:
    job = environment.job()
    _require_forgotten(environment, environment.finish(job, environment.extractor()))


def test_a_sample_is_of_so_many_assets_and_no_more(environment: JobEnvironment) -> None:
    for sample in (1, 2, 3, ASSETS, ASSETS + 5):
        found = environment.finish(environment.job(parameters={"sample": sample}), environment.extractor())
        assert found.progress["done"] == sum(environment.processor.processed.values()) == min(sample, ASSETS)


def test_a_job_of_listed_ids_is_for_these_alone(environment: JobEnvironment) -> None:
    job = _listed(environment, ids := [*environment.ids[:2], mint_at(5)])
    environment.finish(job, environment.extractor())
    assert set(ids) <= set(environment.processor.processed)
    assert environment.now(job).progress["done"] == 3


def test_a_job_of_listed_ids_keeps_to_its_window_and_its_pauses(environment: JobEnvironment) -> None:
    job, extractor = _listed(environment, environment.ids), environment.extractor()
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
    job = _listed(environment, environment.ids)
    environment.job_ids.forget(job.id)
    found = environment.finish(job, environment.extractor())
    assert (found.state, found.reason) == (JobState.FAILED, "the ids that the job was given are gone")


def test_a_job_of_listed_ids_keeps_to_its_rate(environment: JobEnvironment) -> None:
    job, start_s = _listed(environment, environment.ids, rate=1.0), environment.clock.now_s
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
    assert environment.now(job).progress["done"] == CHUNK * WINDOW
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
    assert found.progress["counts"][ItemOutcome.FAILED] == 1


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


@pytest.mark.parametrize("is_listed", [False, True], ids=["selected", "listed"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_a_port_a_job_is_finished_by_another(
    environment: JobEnvironment, done: bool, is_listed: bool
) -> None:
    for number in count():
        job, killed = _listed(environment, environment.ids) if is_listed else environment.job(), False
        environment.tell = at_call(number, die, done=done)
        try:
            environment.finish(job, environment.extractor())
        except Killed:
            killed = True
        environment.tell = lambda _, __: None
        situation = f"killed {'after' if done else 'before'} call {number}"
        if killed:
            environment.clock.now_s += LEASE_S + 1
            if not environment.now(job).state.ended:
                environment.finish(job, environment.extractor())
        environment.require_complete(job, situation)
        if not killed:
            break
    assert number > 30


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_store_that_does_not_answer_at_any_call_is_asked_again(environment: JobEnvironment, done: bool) -> None:
    for number in count():
        job, extractor, failed = environment.job(), environment.extractor(), False
        environment.tell = at_call(number, not_answer, done=done)
        try:
            environment.finish(job, extractor)
        except StoreUnavailable:
            failed = True
            if not environment.now(job).state.ended:
                environment.finish(job, extractor)
        environment.require_complete(job, f"no answer {'after' if done else 'before'} call {number}")
        if not done:
            _require_forgotten(environment, environment.now(job))
        if not failed:
            break
    assert number > 30


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_another_that_takes_a_job_over_while_one_hangs_does_no_harm(environment: JobEnvironment, done: bool) -> None:
    """The one hangs at a call for longer than its lease; the other does half of the job, or all of it."""
    for number in count():
        for steps in (3, 400):
            job, first, second = environment.job(), environment.extractor(), environment.extractor()
            taken_over: list[JobExtractor] = []

            def take_over(
                job: Job = job, second: JobExtractor = second, steps: int = steps, by: list[JobExtractor] = taken_over
            ) -> None:
                by.append(second)
                environment.clock.now_s += LEASE_S + 1
                for _ in range(steps):
                    if not environment.now(job).state.ended:
                        second.run_once()
                        environment.work()
                        environment.clock.now_s += 0.5

            environment.tell = at_call(number, take_over, done=done)
            with suppress(StoreUnavailable):  # the first says that it lost the job
                environment.finish(job, first, second)
            if not environment.now(job).state.ended:
                environment.finish(job, first, second)
            # What the first still had in hand when the job ended.
            first.run_once()
            situation = f"taken over {'after' if done else 'before'} call {number} for {steps} steps"
            environment.require_complete(job, situation)
        if not taken_over:
            break
    assert number > 30


def test_one_that_was_held_up_takes_nothing_back_of_what_another_saved(environment: JobEnvironment) -> None:
    for number in count():
        job, first, second = environment.job(), environment.extractor(), environment.extractor()
        saves, further = count(), list[Job]()

        def hold_up(
            name: str,
            done: bool,
            job: Job = job,
            second: JobExtractor = second,
            number: int = number,
            saves: Iterator[int] = saves,
            further: list[Job] = further,
        ) -> None:
            if name != "save_progress" or done or further or next(saves) != number:
                return
            further.append(job)
            environment.clock.now_s += LEASE_S + 1
            for _ in range(3):
                second.run_once()
                environment.work()
                environment.clock.now_s += 0.5
            further[0] = environment.now(job)

        environment.tell = hold_up
        for _ in range(100):
            first.run_once()
            if further or environment.now(job).state.ended:
                break
            environment.work()
            environment.clock.now_s += 0.5
        situation = f"held up before save {number}"
        if further:
            assert environment.now(job).checkpoint == further[0].checkpoint, situation
            assert environment.now(job).progress == further[0].progress, situation
        if not environment.now(job).state.ended:
            environment.finish(job, first, second)
        environment.require_complete(job, situation)
        if not further:
            break
    assert number > 3


def test_two_that_both_believe_the_job_theirs_do_no_harm(environment: JobEnvironment) -> None:
    environment.leases.given_to_all = True
    for _ in range(10):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        job, both = environment.job(), [environment.extractor(), environment.extractor()]
        for _ in range(1000):
            chance.choice(both).run_once()
            if chance.random() < 0.5:
                environment.work()
            environment.clock.now_s += chance.choice((0.1, 1.0, 6.0))
            if environment.now(job).state.ended:
                break
        environment.work()
        environment.require_complete(job, f"seed {seed}")


def test_one_that_does_not_hold_the_lease_does_nothing(environment: JobEnvironment) -> None:
    job, first, second = environment.job(), environment.extractor(), environment.extractor()
    first.run_once()
    calls: list[str] = []
    environment.tell = lambda name, done: None if done else calls.append(name)
    assert not second.run_once()
    assert calls == ["open", "acquire"]
    environment.tell = lambda _, __: None
    environment.finish(job, first, second)
    environment.require_complete(job)


def test_events_that_get_lost_are_sent_again(environment: JobEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, lost = environment.queue.publish, Counter[str]()
    chance = random.Random(seed := random.randrange(1 << 30))

    def publish_some(topic: Topic, events: Sequence[Any], on_delivered: Any = None) -> None:
        arriving = [event for event in events if chance.random() < 0.5]
        lost["lost"] += len(events) - len(arriving)
        publish(topic, arriving, on_delivered)

    monkeypatch.setattr(environment.queue, "publish", publish_some)
    job = environment.job()
    environment.finish(job, environment.extractor(), step_s=5)
    environment.require_complete(job, f"seed {seed}")
    assert lost["lost"]


def test_events_still_in_the_queue_are_not_sent_again(environment: JobEnvironment) -> None:
    environment.job()
    extractor = environment.extractor()
    for _ in range(100):
        extractor.run_once()
        environment.clock.now_s += 5
    assert environment.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW


def test_lost_events_are_sent_again_while_another_job_fills_the_queue(environment: JobEnvironment) -> None:
    other, lost = environment.job(), environment.job()
    extractor = environment.extractor()
    extractor.run_once()
    # Of the two jobs' events only the other's are left, as if those of one had been dropped.
    kept = [delivery for delivery in environment.consumer.poll(100, 0) if delivery.message.job_id == other.id]  # type: ignore[union-attr]
    event = kept[0].message
    assert event is not None
    for _ in range(60):
        extractor.run_once()
        environment.work()
        environment.queue.publish(Topic.BULK, [event])
        assert environment.queue.lag(Topic.BULK, JOBS_GROUP)
        environment.clock.now_s += 5
    assert environment.now(lost).state is JobState.COMPLETED


def test_the_loop_ends_when_told_and_leaves_its_jobs_to_others_at_once(environment: JobEnvironment) -> None:
    job, stop, begun = environment.job(), threading.Event(), threading.Event()
    environment.tell = lambda name, done: begun.set() if name == "save_progress" and done else None
    thread = threading.Thread(target=environment.extractor().run, args=(stop,))
    thread.start()
    assert begun.wait(30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    environment.finish(job, environment.extractor())
    environment.require_complete(job)


def test_a_job_shows_how_fast_it_goes_and_how_long_it_takes(environment: JobEnvironment) -> None:
    job, extractor = environment.job(parameters={"about": 40}), environment.extractor()
    extractor.run_once()
    environment.work()
    environment.clock.now_s += 2
    extractor.run_once()
    progress = environment.now(job).progress
    assert progress["documents"] == 40
    assert progress["rate"] > 0
    assert progress["remaining_s"] > 0
    assert environment.finish(job, extractor).progress["documents"] == ASSETS


def test_a_job_that_gets_no_answer_is_tried_seldom_and_holds_up_no_other(
    environment: JobEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, sound, extractor = environment.job(), environment.job(), environment.extractor()
    step, tried = JobExtractor._step, list[float]()

    def step_of(self: JobExtractor, job: Job) -> None:
        if job.id == silent.id:
            tried.append(environment.clock.now_s)
            raise StoreUnavailable
        step(self, job)

    monkeypatch.setattr(JobExtractor, "_step", step_of)
    environment.finish(sound, extractor, step_s=0.1)
    environment.require_complete(sound)
    for _ in range(300):
        with suppress(StoreUnavailable):
            extractor.run_once()
        environment.clock.now_s += 0.1
    assert 5 < len(tried) < 30
    monkeypatch.undo()
    environment.clock.now_s += 5
    environment.processor.processed.clear()
    environment.finish(silent, extractor)
    environment.require_complete(silent)


def _require_forgotten(environment: JobEnvironment, job: Job) -> None:
    for number in range(job.checkpoint["settled"]):
        chunk_ids = environment.ids[number * CHUNK : (number + 1) * CHUNK]
        is_reported = any(outcome_of(asset_id) in REPORTED for asset_id in chunk_ids)
        assert (environment.chunks.get(job.id, number) is not None) is is_reported


def _broken(environment: JobEnvironment, how: str) -> Job:
    """A job that raises what no part raises that does not answer."""
    match how:
        case "its selector means nothing":
            return environment.job(parameters={"selector": {"colour": "red"}})
        case "its place is none":
            return environment.job(checkpoint={"settled": 0, "counts": {}, "position": "W10.c2ln"})
        case "its checkpoint is none":
            return environment.job(checkpoint={"counts": 7})
        case _:
            return environment.job(parameters={"max_failures": "many"})


@pytest.mark.parametrize(
    "how",
    ["its selector means nothing", "its place is none", "its checkpoint is none", "its limit is none"],
)
def test_a_job_that_raises_fails_with_the_reason_and_others_continue(environment: JobEnvironment, how: str) -> None:
    broken, sound, extractor = _broken(environment, how), environment.job(), environment.extractor()
    environment.finish(sound, extractor)
    environment.require_complete(sound)
    found = environment.now(broken)
    assert found.state is JobState.FAILED
    assert found.reason
    assert found.ended_ms is not None
    assert found.history[-1].text == f"failed: {found.reason}"


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_whatever_a_call_raises_ends_one_job_at_most(environment: JobEnvironment, done: bool) -> None:
    broken: list[int] = []

    def break_down() -> None:
        broken.append(number)
        raise ZeroDivisionError("a fault of ours")

    numbers = range(done, 36, 5)
    for number in numbers:
        jobs, extractor = [environment.job(), environment.job()], environment.extractor()
        at = at_call(number, break_down, done=done)
        # The list of open jobs is of no one job.
        environment.tell = lambda name, is_done, at=at: None if name == "open" else at(name, is_done)  # type: ignore[misc]
        for job in jobs:
            environment.finish(job, extractor)
        found = [environment.now(job) for job in jobs]
        assert [job.state for job in found].count(JobState.FAILED) <= 1, number
        for job in found:
            if job.state is JobState.FAILED:
                assert "ZeroDivisionError('a fault of ours')" in job.reason
            else:
                expected = Counter(outcome_of(asset_id).value for asset_id in environment.ids)
                assert +Counter(job.progress["counts"]) == expected, number
    assert broken == list(numbers)


def test_a_worker_lets_no_job_stand_in_the_way_of_another(
    environment: JobEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound, extractor = environment.job(), environment.job(), environment.extractor()
    record = environment.chunks.record

    def record_some(job_id: UUID, results: Any) -> None:
        if job_id == broken.id:
            raise ZeroDivisionError("a fault of ours")
        record(job_id, results)

    monkeypatch.setattr(environment.chunks, "record", record_some)
    environment.gives_up = True
    environment.finish(sound, extractor)
    found = environment.now(broken)
    assert (found.state, found.reason) == (
        JobState.FAILED,
        "unexpected error: ZeroDivisionError('a fault of ours')",
    )


def test_the_loop_goes_on_when_a_chore_fails(environment: JobEnvironment) -> None:
    def fail() -> None:
        raise OverflowError("cannot convert float infinity to integer")

    job, stop = environment.job(), threading.Event()
    extractor = environment.extractor(Chores(clock=environment.clock, chores={"chore": fail}))
    thread = threading.Thread(target=extractor.run, args=(stop,))
    thread.start()
    try:
        for _ in range(1000):
            environment.work()
            environment.clock.now_s += 0.5
            if environment.now(job).state.ended:
                break
            stop.wait(0.02)
    finally:
        stop.set()
        thread.join()
    environment.require_complete(job)


def _listed(environment: JobEnvironment, ids: Sequence[UUID], **values: Any) -> Job:
    job_id = mint_at(now_ms())
    ListedIds(ids=environment.job_ids).keep(job_id, ids)
    return environment.job(Selector(ids=len(ids)), id=job_id, **values)
