"""What goes wrong with one job or its events stops no other job."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
import pytest

from amp.domain.jobs import AssetCheckpoint, AssetJob, Job, JobState
from amp.errors import StoreUnavailable
from amp.ports.message_queue import Topic
from amp.services.jobs.extractor import JobExtractor
from amp.services.jobs.worker import JOBS_GROUP
from amp.services.runtime.chores import Chores
from tests.support.jobs.environment import CHUNK, WINDOW, JobEnvironment, at_call, outcome_of


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


def test_the_loop_ends_on_stop_and_leaves_its_jobs_to_others_at_once(environment: JobEnvironment) -> None:
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


def _damaged(environment: JobEnvironment, column: str, value: object) -> AssetJob:
    """A job whose stored record has this value, in JSON, in one column."""
    job = environment.job()
    with environment.database.writing() as connection:
        connection.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (orjson.dumps(value), job.id.bytes))
    return job


def _broken(environment: JobEnvironment, how: str) -> AssetJob:
    """A job that raises what no part raises that does not answer."""
    match how:
        case "its selector means nothing":
            return _damaged(environment, "parameters", {"selector": {"colour": "red"}})
        case "its place is none":
            return environment.job(checkpoint=AssetCheckpoint(position="W10.c2ln"))
        case "its checkpoint is none":
            return _damaged(environment, "checkpoint", {"counts": 7})
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
    found = environment.jobs.get(broken.id)
    assert found is not None
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
                assert +Counter(job.progress.counts) == expected, number
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
