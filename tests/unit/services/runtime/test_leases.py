"""A kept lease is renewed while it is used, and its expiry is measured on the monotonic clock."""

import threading

from amp.errors import StoreUnavailable
from amp.services.runtime.leases import LeaseKeeper
from tests.support.clock import ManualClock
from tests.support.stack.waiting import wait_until


class Leases:
    """One lease; `down` makes every call fail."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.acquired = 0
        self.asked = 0
        self.down = False

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:  # noqa: ARG002
        self.asked += 1
        if self.down:
            raise StoreUnavailable
        if self.holder in (None, holder):
            self.holder = holder
            self.acquired += 1
        return self.holder == holder

    def release(self, name: str, holder: str) -> None:  # noqa: ARG002
        if self.down:
            raise StoreUnavailable
        if self.holder == holder:
            self.holder = None


def keeper(leases: Leases, clock: ManualClock, holder: str = "ann", ttl_s: int = 15) -> LeaseKeeper:
    return LeaseKeeper(leases, clock, name="test", holder=holder, ttl_s=ttl_s)


def test_a_lease_expires_by_the_monotonic_clock() -> None:
    leases, clock = Leases(), ManualClock()
    lease = keeper(leases, clock)
    assert lease.expired
    assert lease.acquire()
    clock.wall_ms = 3_600_000
    assert not lease.expired
    clock.now_s += 15
    assert lease.expired


def test_somebody_else_s_lease_is_not_taken() -> None:
    leases, clock = Leases(), ManualClock()
    assert keeper(leases, clock, "bob").acquire()
    lease = keeper(leases, clock)
    assert not lease.acquire()
    assert lease.expired


def test_a_released_lease_is_free_and_a_failed_release_is_no_error() -> None:
    leases, clock = Leases(), ManualClock()
    lease = keeper(leases, clock)
    assert lease.acquire()
    leases.down = True
    lease.release()
    assert lease.expired
    leases.down = False
    assert lease.acquire()
    lease.release()
    assert leases.holder is None


def test_a_lease_in_use_is_renewed_although_the_store_failed_meanwhile() -> None:
    leases, clock = Leases(), ManualClock()
    lease = LeaseKeeper(leases, clock, name="test", holder="ann", ttl_s=15, renewal_s=0.002)
    assert lease.acquire()
    with lease.renewed():
        wait_until(lambda: leases.acquired > 2, 30, "a renewal", 0.002)
        leases.down = True
        failed = leases.asked
        wait_until(lambda: leases.asked > failed + 2, 30, "a renewal", 0.002)
        clock.now_s += 15
        leases.down = False
        wait_until(lambda: not lease.expired, 30, "a renewal", 0.002)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease-test"]
