"""Extractors that die, hang or lose their lease: another one finishes the job, and every asset counts once."""

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from amp.domain.jobs import Job
from amp.errors import StoreUnavailable
from amp.services.jobs.extractor import JobExtractor
from tests.support.jobs.environment import (
    LEASE_S,
    JobEnvironment,
    Killed,
    at_call,
    die,
    not_answer,
)


@pytest.mark.parametrize("is_listed", [False, True], ids=["selected", "listed"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_a_port_a_job_is_finished_by_another(
    environment: JobEnvironment, done: bool, is_listed: bool
) -> None:
    for number in count():
        job, killed = environment.listed_job(environment.ids) if is_listed else environment.job(), False
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
            environment.require_forgotten(environment.now(job))
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
