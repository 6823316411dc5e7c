"""A consumer loop over a queue and dead letters that a test controls."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from amp.adapters.clock import SystemClock
from amp.domain.dead_letters import DeadLetter
from amp.domain.messages import JobItem, Message
from amp.errors import QueueUnavailable, StoreUnavailable
from amp.metrics import Metrics
from amp.ports.message_queue import Delivery, Topic
from amp.services.runtime.consumer import ConsumerLoop, Failure
from amp.services.runtime.dead_letter_limit import DeadLetterLimit
from amp.services.runtime.retry import Stopped
from tests.support.stack.waiting import wait_until

DEADLINE_S = 30
JOB = UUID(int=1)


def message(number: int) -> JobItem:
    return JobItem(job_id=JOB, chunk=0, asset_id=UUID(int=number))


def deliveries(count: int, poison: Sequence[int] = ()) -> list[Delivery]:
    """By place; a poisonous one is no message."""
    return [
        Delivery(None, b"poison %d" % n, n) if n in poison else Delivery(message(n), b"%d" % n, n) for n in range(count)
    ]


class Environment:
    """A queue with one consumer, and dead letters. Notes in which order what is called."""

    def __init__(self, waiting: Sequence[Delivery] = ()) -> None:
        self.waiting = list(waiting)
        self.calls: list[tuple[str, Any]] = []
        self.dead_letters: list[DeadLetter] = []
        self.letters_down = False
        self.commits_fail = False
        self.metrics = Metrics()

    def poll(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        if not self.waiting:
            threading.Event().wait(min(timeout_s, 0.01))
        taken, self.waiting = self.waiting[:max_messages], self.waiting[max_messages:]
        return taken

    def keep_alive(self) -> None:
        self.calls.append(("keep alive", None))

    def commit(self, done: Sequence[Delivery]) -> None:
        if self.commits_fail:
            self.calls.append(("commit fails", None))
            raise QueueUnavailable
        self.calls.append(("commit", [delivery.place for delivery in done]))

    def close(self) -> None:
        self.calls.append(("close", None))

    def consume(self, topic: Topic, group: str) -> "Environment":
        assert (topic, group) == (Topic.BULK, "jobs")
        return self

    def put(self, letter: DeadLetter) -> None:
        if self.letters_down:
            self.calls.append(("put fails", letter.payload))
            raise StoreUnavailable
        self.calls.append(("put", letter.payload))
        self.dead_letters.append(letter)

    def calls_of(self, *names: str) -> list[tuple[str, Any]]:
        return [call for call in self.calls if call[0] in names]

    @property
    def committed(self) -> list[int]:
        return [place for _, places in self.calls_of("commit") for place in places]


Handle = Callable[[Sequence[Message], threading.Event], Mapping[Message, Failure]]


class Running:
    def __init__(
        self, environment: Environment, handle: Handle, batch: int, limit: DeadLetterLimit | None = None
    ) -> None:
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.reported: list[str | None] = []
        self._runner = ConsumerLoop(
            queue=environment,  # type: ignore[arg-type]
            dead_letters=environment,  # type: ignore[arg-type]
            clock=SystemClock(),
            metrics=environment.metrics,
            handle=handle,
            topic=Topic.BULK,
            group="jobs",
            batch=batch,
            limit=limit,
            report_stopped=self.reported.append,
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._runner.run(self.stop)
        except (RuntimeError, TimeoutError) as e:
            self.error = e

    def end(self) -> None:
        self.stop.set()
        self.join()

    def join(self) -> None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "it does not stop"


@contextmanager
def running(environment: Environment, handle: Handle, batch: int = 10) -> Iterator[Running]:
    made = Running(environment, handle, batch)
    try:
        yield made
    finally:
        made.end()
    assert environment.calls[-1] == ("close", None)
    assert len(environment.calls_of("close")) == 1


def until(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, DEADLINE_S, what, every_s=0.005)


def all_done(messages: Sequence[Message], _: threading.Event) -> Mapping[Message, Failure]:
    assert messages == sorted(messages, key=lambda m: m.asset_id)
    return {}


def until_halted(_: Sequence[Message], halt: threading.Event) -> Mapping[Message, Failure]:
    assert halt.wait(DEADLINE_S)
    raise Stopped
