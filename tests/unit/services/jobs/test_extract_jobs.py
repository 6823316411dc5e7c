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
    Killed,
    World,
    at_call,
    die,
    not_answer,
    outcome_of,
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("amp.services.jobs.extractor.CHUNK", CHUNK)
    monkeypatch.setattr("amp.services.jobs.extractor.WINDOW", WINDOW)
    with closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        yield World(database)


def test_a_job_accounts_for_every_asset_and_ends(world: World) -> None:
    job = world.job()
    world.finish(job, world.extractor())
    world.require_complete(job)
    assert set(world.processor.processed.values()) == {1}
    assert [note.text for note in world.now(job).history] == ["completed"]
    assert world.now(job).ended_ms is not None


def test_a_job_of_nothing_completes(world: World) -> None:
    found = world.finish(world.job(Selector(type="nothing")), world.extractor())
    assert found.state is JobState.COMPLETED
    assert (found.progress["done"], found.progress["documents"]) == (0, 0)


def test_no_more_chunks_are_outstanding_than_the_window_holds(world: World) -> None:
    job, extractor = world.job(), world.extractor()
    for _ in range(5):
        extractor.run_once()
        assert world.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert world.chunks.get(job.id, WINDOW) is None
    world.work()
    extractor.run_once()
    assert world.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    assert world.now(job).checkpoint["settled"] == WINDOW


def test_chunks_that_tell_nothing_are_forgotten_and_the_others_kept(world: World) -> None:
    job = world.job()
    _require_forgotten(world, world.finish(job, world.extractor()))


def test_a_sample_is_of_so_many_assets_and_no_more(world: World) -> None:
    for sample in (1, 2, 3, ASSETS, ASSETS + 5):
        found = world.finish(world.job(parameters={"sample": sample}), world.extractor())
        assert found.progress["done"] == sum(world.processor.processed.values()) == min(sample, ASSETS)


def test_a_job_of_listed_ids_is_for_these_alone(world: World) -> None:
    job = _listed(world, ids := [*world.ids[:2], mint_at(5)])
    world.finish(job, world.extractor())
    assert set(ids) <= set(world.processor.processed)
    assert world.now(job).progress["done"] == 3


def test_a_job_of_listed_ids_keeps_to_its_window_and_its_pauses(world: World) -> None:
    job, extractor = _listed(world, world.ids), world.extractor()
    for _ in range(3):
        extractor.run_once()
        assert world.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW
    world.jobs.set_state(job.id, JobState.PAUSED)
    world.work()
    for _ in range(3):
        extractor.run_once()
        world.extractor().run_once()
        assert world.queue.lag(Topic.BULK, JOBS_GROUP) == 0
        world.clock.at_s += LEASE_S + 1
    world.jobs.set_state(job.id, JobState.RUNNING)
    world.finish(job, extractor)
    assert set(world.processor.processed.values()) == {1}
    world.require_complete(job)


def test_a_job_whose_ids_are_gone_fails_and_says_so(world: World) -> None:
    job = _listed(world, world.ids)
    world.job_ids.forget(job.id)
    found = world.finish(job, world.extractor())
    assert (found.state, found.reason) == (JobState.FAILED, "the ids that the job was given are gone")


def test_a_job_of_listed_ids_keeps_to_its_rate(world: World) -> None:
    job, start_s = _listed(world, world.ids, rate=1.0), world.clock.at_s
    world.finish(job, world.extractor(), step_s=0.25)
    world.require_complete(job)
    assert world.clock.at_s - start_s >= ASSETS - 2


def test_a_paused_job_makes_no_new_chunks_and_settles_those_that_are_out(world: World) -> None:
    job, extractor = world.job(), world.extractor()
    extractor.run_once()
    world.jobs.set_state(job.id, JobState.PAUSED)
    world.work()
    for _ in range(100):
        extractor.run_once()
        world.clock.at_s += 1
    assert world.now(job).progress["done"] == CHUNK * WINDOW
    assert world.queue.lag(Topic.BULK, JOBS_GROUP) == 0
    world.jobs.set_state(job.id, JobState.RUNNING)
    world.finish(job, extractor)
    world.require_complete(job)


def test_a_cancelled_job_is_left_alone(world: World) -> None:
    job, extractor = world.job(), world.extractor()
    assert extractor.run_once()
    world.jobs.set_state(job.id, JobState.CANCELLED)
    assert not extractor.run_once()
    assert world.now(job).state is JobState.CANCELLED


def test_a_job_with_more_failures_than_it_may_have_fails(world: World) -> None:
    found = world.finish(world.job(parameters={"max_failures": 0}), world.extractor())
    assert found.state is JobState.FAILED
    assert "0" in found.reason
    assert found.progress["counts"][ItemOutcome.FAILED] == 1


def test_a_kind_without_a_processor_is_left_to_others(world: World) -> None:
    job = replace(world.job(), id=mint_at(now_ms()), kind="another")
    world.jobs.add(job)
    world.extractor().run_once()
    assert world.chunks.get(job.id, 0) is None


def test_several_jobs_go_on_beside_each_other(world: World) -> None:
    jobs, extractor = [world.job() for _ in range(3)], world.extractor()
    for job in jobs:
        world.finish(job, extractor)
    for job in jobs:
        world.require_complete(job)


@pytest.mark.parametrize("rate", [0.5, 3.0])
def test_a_rate_holds_back_the_chunks(world: World, rate: float) -> None:
    job, extractor = world.job(rate=rate), world.extractor()
    start_s = world.clock.at_s
    world.finish(job, extractor, step_s=0.25)
    world.require_complete(job)
    assert world.clock.at_s - start_s >= (ASSETS - 2) / rate


@pytest.mark.parametrize("is_listed", [False, True], ids=["selected", "listed"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_a_port_a_job_is_finished_by_another(world: World, done: bool, is_listed: bool) -> None:
    for number in count():
        job, killed = _listed(world, world.ids) if is_listed else world.job(), False
        world.tell = at_call(number, die, done=done)
        try:
            world.finish(job, world.extractor())
        except Killed:
            killed = True
        world.tell = lambda _, __: None
        told = f"killed {'after' if done else 'before'} call {number}"
        if killed:
            world.clock.at_s += LEASE_S + 1
            if not world.now(job).state.ended:
                world.finish(job, world.extractor())
        world.require_complete(job, told)
        if not killed:
            break
    assert number > 30


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_store_that_does_not_answer_at_any_call_is_asked_again(world: World, done: bool) -> None:
    for number in count():
        job, extractor, failed = world.job(), world.extractor(), False
        world.tell = at_call(number, not_answer, done=done)
        try:
            world.finish(job, extractor)
        except StoreUnavailable:
            failed = True
            if not world.now(job).state.ended:
                world.finish(job, extractor)
        world.require_complete(job, f"no answer {'after' if done else 'before'} call {number}")
        if not done:
            _require_forgotten(world, world.now(job))
        if not failed:
            break
    assert number > 30


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_another_that_takes_a_job_over_while_one_hangs_does_no_harm(world: World, done: bool) -> None:
    """The one hangs at a call for longer than its lease; the other does half of the job, or all of it."""
    for number in count():
        for steps in (3, 400):
            job, first, second = world.job(), world.extractor(), world.extractor()
            taken_over: list[JobExtractor] = []

            def take_over(
                job: Job = job, second: JobExtractor = second, steps: int = steps, by: list[JobExtractor] = taken_over
            ) -> None:
                by.append(second)
                world.clock.at_s += LEASE_S + 1
                for _ in range(steps):
                    if not world.now(job).state.ended:
                        second.run_once()
                        world.work()
                        world.clock.at_s += 0.5

            world.tell = at_call(number, take_over, done=done)
            with suppress(StoreUnavailable):  # the first says that it lost the job
                world.finish(job, first, second)
            if not world.now(job).state.ended:
                world.finish(job, first, second)
            # What the first still had in hand when the job ended.
            first.run_once()
            told = f"taken over {'after' if done else 'before'} call {number} for {steps} steps"
            world.require_complete(job, told)
        if not taken_over:
            break
    assert number > 30


def test_one_that_was_held_up_takes_nothing_back_of_what_another_saved(world: World) -> None:
    for number in count():
        job, first, second = world.job(), world.extractor(), world.extractor()
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
            world.clock.at_s += LEASE_S + 1
            for _ in range(3):
                second.run_once()
                world.work()
                world.clock.at_s += 0.5
            further[0] = world.now(job)

        world.tell = hold_up
        for _ in range(100):
            first.run_once()
            if further or world.now(job).state.ended:
                break
            world.work()
            world.clock.at_s += 0.5
        told = f"held up before save {number}"
        if further:
            assert world.now(job).checkpoint == further[0].checkpoint, told
            assert world.now(job).progress == further[0].progress, told
        if not world.now(job).state.ended:
            world.finish(job, first, second)
        world.require_complete(job, told)
        if not further:
            break
    assert number > 3


def test_two_that_both_believe_the_job_theirs_do_no_harm(world: World) -> None:
    world.leases.given_to_all = True
    for _ in range(10):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        job, both = world.job(), [world.extractor(), world.extractor()]
        for _ in range(1000):
            chance.choice(both).run_once()
            if chance.random() < 0.5:
                world.work()
            world.clock.at_s += chance.choice((0.1, 1.0, 6.0))
            if world.now(job).state.ended:
                break
        world.work()
        world.require_complete(job, f"seed {seed}")


def test_one_that_does_not_hold_the_lease_does_nothing(world: World) -> None:
    job, first, second = world.job(), world.extractor(), world.extractor()
    first.run_once()
    calls: list[str] = []
    world.tell = lambda name, done: None if done else calls.append(name)
    assert not second.run_once()
    assert calls == ["open", "acquire"]
    world.tell = lambda _, __: None
    world.finish(job, first, second)
    world.require_complete(job)


def test_events_that_get_lost_are_sent_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, lost = world.queue.publish, Counter[str]()
    chance = random.Random(seed := random.randrange(1 << 30))

    def publish_some(topic: Topic, events: Sequence[Any], on_delivered: Any = None) -> None:
        arriving = [event for event in events if chance.random() < 0.5]
        lost["lost"] += len(events) - len(arriving)
        publish(topic, arriving, on_delivered)

    monkeypatch.setattr(world.queue, "publish", publish_some)
    job = world.job()
    world.finish(job, world.extractor(), step_s=5)
    world.require_complete(job, f"seed {seed}")
    assert lost["lost"]


def test_events_still_in_the_queue_are_not_sent_again(world: World) -> None:
    world.job()
    extractor = world.extractor()
    for _ in range(100):
        extractor.run_once()
        world.clock.at_s += 5
    assert world.queue.lag(Topic.BULK, JOBS_GROUP) == CHUNK * WINDOW


def test_lost_events_are_sent_again_although_another_job_keeps_the_queue_busy(world: World) -> None:
    other, lost = world.job(), world.job()
    extractor = world.extractor()
    extractor.run_once()
    # Of the two jobs' events only the other's are left, as if those of one had been dropped.
    kept = [delivery for delivery in world.consumer.poll(100, 0) if delivery.message.job_id == other.id]  # type: ignore[union-attr]
    event = kept[0].message
    assert event is not None
    for _ in range(60):
        extractor.run_once()
        world.work()
        world.queue.publish(Topic.BULK, [event])
        assert world.queue.lag(Topic.BULK, JOBS_GROUP)
        world.clock.at_s += 5
    assert world.now(lost).state is JobState.COMPLETED


def test_the_loop_ends_when_told_and_leaves_its_jobs_to_others_at_once(world: World) -> None:
    job, stop, begun = world.job(), threading.Event(), threading.Event()
    world.tell = lambda name, done: begun.set() if name == "save_progress" and done else None
    thread = threading.Thread(target=world.extractor().run, args=(stop,))
    thread.start()
    assert begun.wait(30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    world.finish(job, world.extractor())
    world.require_complete(job)


def test_a_job_shows_how_fast_it_goes_and_how_long_it_takes(world: World) -> None:
    job, extractor = world.job(parameters={"about": 40}), world.extractor()
    extractor.run_once()
    world.work()
    world.clock.at_s += 2
    extractor.run_once()
    progress = world.now(job).progress
    assert progress["documents"] == 40
    assert progress["rate"] > 0
    assert progress["remaining_s"] > 0
    assert world.finish(job, extractor).progress["documents"] == ASSETS


def test_a_job_that_gets_no_answer_is_tried_seldom_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, sound, extractor = world.job(), world.job(), world.extractor()
    step, tried = JobExtractor._step, list[float]()

    def step_of(self: JobExtractor, job: Job) -> None:
        if job.id == silent.id:
            tried.append(world.clock.at_s)
            raise StoreUnavailable
        step(self, job)

    monkeypatch.setattr(JobExtractor, "_step", step_of)
    world.finish(sound, extractor, step_s=0.1)
    world.require_complete(sound)
    for _ in range(300):
        with suppress(StoreUnavailable):
            extractor.run_once()
        world.clock.at_s += 0.1
    assert 5 < len(tried) < 30
    monkeypatch.undo()
    world.clock.at_s += 5
    world.processor.processed.clear()
    world.finish(silent, extractor)
    world.require_complete(silent)


def _require_forgotten(world: World, job: Job) -> None:
    for number in range(job.checkpoint["settled"]):
        chunk_ids = world.ids[number * CHUNK : (number + 1) * CHUNK]
        is_told = any(outcome_of(asset_id) in REPORTED for asset_id in chunk_ids)
        assert (world.chunks.get(job.id, number) is not None) is is_told


def _broken(world: World, how: str) -> Job:
    """A job that raises what no part raises that does not answer."""
    match how:
        case "its selector means nothing":
            return world.job(parameters={"selector": {"colour": "red"}})
        case "its place is none":
            return world.job(checkpoint={"settled": 0, "counts": {}, "position": "W10.c2ln"})
        case "its checkpoint is none":
            return world.job(checkpoint={"counts": 7})
        case _:
            return world.job(parameters={"max_failures": "many"})


@pytest.mark.parametrize(
    "how",
    ["its selector means nothing", "its place is none", "its checkpoint is none", "its limit is none"],
)
def test_a_job_that_raises_anything_fails_with_the_reason_and_the_others_go_on(world: World, how: str) -> None:
    broken, sound, extractor = _broken(world, how), world.job(), world.extractor()
    world.finish(sound, extractor)
    world.require_complete(sound)
    found = world.now(broken)
    assert found.state is JobState.FAILED
    assert found.reason
    assert found.ended_ms is not None
    assert found.history[-1].text == f"failed: {found.reason}"


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_whatever_a_call_raises_ends_one_job_at_most(world: World, done: bool) -> None:
    broken: list[int] = []

    def break_down() -> None:
        broken.append(number)
        raise ZeroDivisionError("a fault of ours")

    numbers = range(done, 36, 5)
    for number in numbers:
        jobs, extractor = [world.job(), world.job()], world.extractor()
        at = at_call(number, break_down, done=done)
        # The list of open jobs is of no one job.
        world.tell = lambda name, is_done, at=at: None if name == "open" else at(name, is_done)  # type: ignore[misc]
        for job in jobs:
            world.finish(job, extractor)
        found = [world.now(job) for job in jobs]
        assert [job.state for job in found].count(JobState.FAILED) <= 1, number
        for job in found:
            if job.state is JobState.FAILED:
                assert "ZeroDivisionError('a fault of ours')" in job.reason
            else:
                expected = Counter(outcome_of(asset_id).value for asset_id in world.ids)
                assert +Counter(job.progress["counts"]) == expected, number
    assert broken == list(numbers)


def test_a_worker_lets_no_job_stand_in_the_way_of_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound, extractor = world.job(), world.job(), world.extractor()
    record = world.chunks.record

    def record_some(job_id: UUID, results: Any) -> None:
        if job_id == broken.id:
            raise ZeroDivisionError("a fault of ours")
        record(job_id, results)

    monkeypatch.setattr(world.chunks, "record", record_some)
    world.gives_up = True
    world.finish(sound, extractor)
    found = world.now(broken)
    assert (found.state, found.reason) == (
        JobState.FAILED,
        "unexpected error: ZeroDivisionError('a fault of ours')",
    )


def test_the_loop_goes_on_when_a_chore_fails(world: World) -> None:
    def fail() -> None:
        raise OverflowError("cannot convert float infinity to integer")

    job, stop = world.job(), threading.Event()
    extractor = world.extractor(Chores(clock=world.clock, chores={"chore": fail}))
    thread = threading.Thread(target=extractor.run, args=(stop,))
    thread.start()
    try:
        for _ in range(1000):
            world.work()
            world.clock.at_s += 0.5
            if world.now(job).state.ended:
                break
            stop.wait(0.02)
    finally:
        stop.set()
        thread.join()
    world.require_complete(job)


def _listed(world: World, ids: Sequence[UUID], **values: Any) -> Job:
    job_id = mint_at(now_ms())
    ListedIds(ids=world.job_ids).keep(job_id, ids)
    return world.job(Selector(ids=len(ids)), id=job_id, **values)
