"""A check of the bucket worker that fails does not keep the others from running."""

import threading

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.leases import MemoryLeases
from amp.services.run_bucket_worker import LEASE, LEASE_S, RunBucketWorker
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper


class Mover:
    def advance(self, _stop: threading.Event) -> bool:
        return False


def test_a_check_that_fails_keeps_no_other_from_running() -> None:
    clock, ran = SystemClock(), []

    def fail() -> None:
        raise RuntimeError("broken")

    worker = RunBucketWorker(
        Mover(),  # type: ignore[arg-type]
        Chores(clock, {"one": fail, "two": lambda: ran.append("two")}),
        LeaseKeeper(MemoryLeases(), clock, name=LEASE, holder="ann", ttl_s=LEASE_S),
        clock,
        check_s=0.0,
    )
    worker.run_once(threading.Event())
    worker.run_once(threading.Event())
    assert ran == ["two", "two"]
