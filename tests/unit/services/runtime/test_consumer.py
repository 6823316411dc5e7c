"""Nothing is committed before it is done or put aside, whatever happens and whenever a worker has to stop."""

import threading
from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest

from amp.domain.dead_letters import dead_letter_id
from amp.domain.messages import JobItem, Message
from amp.ports.message_queue import Delivery, Topic
from amp.services.runtime.consumer import Failure
from amp.services.runtime.dead_letter_limit import DeadLetterLimit
from tests.support.queues.consumer import (
    DEADLINE_S,
    JOB,
    Environment,
    Running,
    all_done,
    deliveries,
    message,
    running,
    until,
    until_halted,
)


def test_everything_is_handled_and_committed_in_order() -> None:
    environment = Environment(deliveries(25))
    handled: list[Sequence[Message]] = []

    def handle(messages: Sequence[Message], _: threading.Event) -> Mapping[Message, Failure]:
        handled.append(messages)
        return {}

    with running(environment, handle):
        until(lambda: len(environment.committed) == 25, "all to be committed")
    assert environment.committed == list(range(25))
    assert sorted(len(messages) for messages in handled) == [5, 10, 10]
    assert not environment.dead_letters


def test_what_is_no_message_is_a_dead_letter_before_it_is_committed() -> None:
    environment = Environment(deliveries(3, poison=[1]))
    handled: list[Message] = []

    def handle(messages: Sequence[Message], _: threading.Event) -> Mapping[Message, Failure]:
        handled.extend(messages)
        return {}

    with running(environment, handle):
        until(lambda: bool(environment.committed), "a commit")
    assert environment.calls_of("put", "commit") == [("put", b"poison 1"), ("commit", [0, 1, 2])]
    assert handled == [message(0), message(2)]
    [letter] = environment.dead_letters
    assert (letter.message, letter.payload, letter.topic, letter.job_id) == (None, b"poison 1", "bulk", None)
    assert letter.id == dead_letter_id("bulk", None, b"poison 1")
    assert letter.reason
    assert b"amp_dead_letters_total 1.0" in environment.metrics.expose()


def test_only_failed_messages_are_dead_letters_before_the_commit() -> None:
    environment = Environment(deliveries(4))

    def handle(_: Sequence[Message], __: threading.Event) -> Mapping[Message, Failure]:
        return {message(1): Failure("hopeless", "a trace"), message(3): Failure("no use"), message(9): Failure("?")}

    with running(environment, handle):
        until(lambda: bool(environment.committed), "a commit")
    assert environment.calls_of("put", "commit") == [("put", b"1"), ("put", b"3"), ("commit", [0, 1, 2, 3])]
    first, second = environment.dead_letters
    assert (first.message, first.reason, first.detail, first.job_id) == (message(1), "hopeless", "a trace", JOB)
    assert (second.message, second.reason, second.detail) == (message(3), "no use", "")
    assert first.first_ms == first.last_ms > 0


def test_the_same_message_given_up_twice_is_the_same_dead_letter() -> None:
    again = [Delivery(message(1), b"1", n) for n in range(2)]
    environment = Environment(again)
    with running(environment, lambda _, __: {message(1): Failure("hopeless")}):
        until(lambda: bool(environment.committed), "a commit")
    assert len({letter.id for letter in environment.dead_letters}) == 1


def test_without_a_place_for_dead_letters_nothing_is_committed() -> None:
    environment = Environment(deliveries(1, poison=[0]))
    environment.letters_down = True
    with running(environment, all_done):
        until(lambda: bool(environment.calls_of("keep alive")), "a sign of life")
        assert environment.committed == []
        environment.letters_down = False
        until(lambda: environment.committed == [0], "the commit")
    assert [letter.payload for letter in environment.dead_letters] == [b"poison 0"]


def test_a_stop_before_dead_letters_are_stored_commits_nothing_further() -> None:
    environment = Environment(deliveries(40, poison=[12]))
    environment.letters_down = True
    with running(environment, all_done) as worker:
        until(lambda: bool(environment.calls_of("put fails")), "a try to keep the dead letter")
        worker.end()
    assert environment.committed == list(range(10))


def test_a_stop_within_a_batch_commits_neither_it_nor_any_later_one() -> None:
    environment = Environment(deliveries(30))
    begun = threading.Semaphore(0)

    def handle(messages: Sequence[Message], halt: threading.Event) -> Mapping[Message, Failure]:
        begun.release()
        return until_halted(messages, halt) if message(10) in messages else {}

    with running(environment, handle) as worker:
        for _ in range(3):
            assert begun.acquire(timeout=DEADLINE_S)
        worker.end()
    assert environment.committed in ([], list(range(10)))
    assert not environment.dead_letters


def test_a_batch_that_finishes_while_it_stops_is_committed() -> None:
    environment = Environment(deliveries(10))
    begun = threading.Event()

    def handle(_: Sequence[Message], halt: threading.Event) -> Mapping[Message, Failure]:
        begun.set()
        assert halt.wait(DEADLINE_S)
        return {message(2): Failure("hopeless")}

    with running(environment, handle) as worker:
        assert begun.wait(DEADLINE_S)
        worker.end()
    assert environment.calls_of("put", "commit") == [("put", b"2"), ("commit", list(range(10)))]


def test_batches_done_out_of_order_are_committed_in_order() -> None:
    environment = Environment(deliveries(30))
    last_done = threading.Event()

    def handle(messages: Sequence[Message], _: threading.Event) -> Mapping[Message, Failure]:
        if message(20) in messages:
            assert environment.committed == []
            last_done.set()
        assert last_done.wait(DEADLINE_S)
        return {}

    with running(environment, handle):
        until(lambda: len(environment.committed) == 30, "all to be committed")
    assert environment.committed == list(range(30))


def test_a_worker_stays_a_member_while_a_batch_takes_long() -> None:
    environment = Environment(deliveries(1))
    go_on = threading.Event()

    def handle(_: Sequence[Message], __: threading.Event) -> Mapping[Message, Failure]:
        assert go_on.wait(DEADLINE_S)
        return {}

    with running(environment, handle):
        # Idle, it polls: that is a sign of life, too.
        environment.waiting += [Delivery(message(n), b"", n) for n in range(1, 30)]
        until(lambda: bool(environment.calls_of("keep alive")), "a sign of life")
        assert environment.committed == []
        go_on.set()
        until(lambda: len(environment.committed) == 30, "all to be committed")


def test_a_handler_that_breaks_ends_the_run_without_further_commits() -> None:
    environment = Environment(deliveries(30))
    begun, halted = threading.Event(), threading.Event()

    def handle(messages: Sequence[Message], halt: threading.Event) -> Mapping[Message, Failure]:
        if message(10) in messages and begun.wait(DEADLINE_S):
            raise RuntimeError("broken")
        if message(20) in messages:
            begun.set()
            if halt.wait(DEADLINE_S):
                halted.set()
        return {}

    with running(environment, handle) as worker:
        worker.join()
    assert str(worker.error) == "broken"
    assert halted.is_set()
    assert environment.committed == list(range(10))


def test_a_handler_that_raises_a_timeout_ends_the_run_as_any_error_does() -> None:
    environment = Environment(deliveries(1))

    def handle(_: Sequence[Message], __: threading.Event) -> Mapping[Message, Failure]:
        raise TimeoutError("broken")

    with running(environment, handle) as worker:
        worker.join()
    assert str(worker.error) == "broken"
    assert (environment.committed, environment.calls_of("keep alive")) == ([], [])


def test_a_commit_that_fails_stops_nothing() -> None:
    environment = Environment(deliveries(10))
    environment.commits_fail = True
    with running(environment, all_done):
        until(lambda: bool(environment.calls_of("commit fails")), "a failed commit")
        environment.commits_fail = False
        environment.waiting += [Delivery(message(10), b"", 10)]
        until(lambda: environment.committed == [10], "the next commit")
    assert not environment.dead_letters


def test_an_idle_worker_stops_and_leaves_its_group() -> None:
    with running(Environment(), all_done) as worker:
        worker.end()


def test_too_many_failures_store_no_dead_letters_until_the_cause_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amp.services.runtime.consumer._STOPPED_S", 0.01)
    is_fixed = threading.Event()
    environment = Environment()

    def consume(topic: Topic, group: str) -> Environment:  # noqa: ARG001
        # What was not committed comes again.
        environment.waiting = deliveries(6)[len(environment.committed) :]
        return environment

    def handle(messages: Sequence[Message], _: threading.Event) -> Mapping[Message, Failure]:
        failed = [] if is_fixed.is_set() else [m for m in messages if m != message(0)]
        return dict.fromkeys(failed, Failure("no such field"))

    environment.consume = consume  # type: ignore[method-assign]
    running = Running(environment, handle, 10, DeadLetterLimit(max_in_row=3, max_share=1))
    try:
        until(lambda: len(environment.calls_of("close")) > 2, "it to try again")
        assert (environment.committed, environment.dead_letters) == ([], [])
        assert set(running.reported) == {
            "more than 3 messages in a row would become dead letters; the latest reason is: no such field"
        }
        assert environment.metrics.registry.get_sample_value("amp_consumer_stopped", {"group": "jobs"}) == 1
        is_fixed.set()
        until(lambda: len(environment.committed) == 6, "it to go on")
        assert running.reported[-1] is None
        assert environment.metrics.registry.get_sample_value("amp_consumer_stopped", {"group": "jobs"}) == 0
    finally:
        running.end()
    assert environment.dead_letters == []


def test_payloads_that_differ_are_dead_letters_that_differ() -> None:
    event = message(1)
    same = {dead_letter_id("bulk", event, b"a"), dead_letter_id("bulk", event, b"b")}
    assert len(same) == 1
    other = JobItem(job_id=uuid4(), chunk=0, asset_id=event.asset_id)
    others = [
        dead_letter_id("bulk", None, b"a"),
        dead_letter_id("bulk", None, b"b"),
        dead_letter_id("realtime", None, b"a"),
    ]
    assert len({*same, *others, dead_letter_id("bulk", other, b"a")}) == 5
