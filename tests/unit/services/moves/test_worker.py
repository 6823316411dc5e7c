"""A check of the bucket worker that fails does not keep the others from running."""

import threading
from collections.abc import Callable

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.leases import MemoryLeases
from amp.errors import SearchUnavailable
from amp.services.moves.worker import LEASE, LEASE_S, BucketWorker
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper


class Mover:
    def advance(self, _stop: threading.Event, _meanwhile: Callable[[], None]) -> bool:
        return False


class StuckMover:
    """Its target refuses writes; `rounds` times it may do something else."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    def advance(self, _stop: threading.Event, meanwhile: Callable[[], None]) -> bool:
        for _ in range(self._rounds):
            meanwhile()
        raise SearchUnavailable


def test_a_check_that_fails_keeps_no_other_from_running() -> None:
    clock, ran = SystemClock(), []

    def fail() -> None:
        raise RuntimeError("broken")

    worker = BucketWorker(
        Mover(),  # type: ignore[arg-type]
        Chores(clock=clock, chores={"one": fail, "two": lambda: ran.append("two")}),
        LeaseKeeper(MemoryLeases(), clock, name=LEASE, holder="ann", ttl_s=LEASE_S),
        clock,
        check_s=0.0,
    )
    worker.run_once(threading.Event())
    worker.run_once(threading.Event())
    assert ran == ["two", "two"]


@pytest.mark.parametrize("rounds", [0, 3])
def test_checks_run_while_a_move_takes_its_time_or_gets_no_answer(rounds: int) -> None:
    clock, ran = SystemClock(), list[str]()
    worker = BucketWorker(
        StuckMover(rounds),  # type: ignore[arg-type]
        Chores(clock=clock, chores={"one": lambda: ran.append("one")}),
        LeaseKeeper(MemoryLeases(), clock, name=LEASE, holder="ann", ttl_s=LEASE_S),
        clock,
        check_s=0.0,
    )
    with pytest.raises(SearchUnavailable):
        worker.run_once(threading.Event())
    assert len(ran) == rounds + 1
