"""The contract of leases, over every adapter."""

import time
from functools import partial

import pytest

from amp.ports.leases import Leases
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, unique


@pytest.fixture
def leases(store_profile: Adapters) -> Leases:
    return store_profile.leases


def wait_until_acquired(leases: Leases, name: str, holder: str, ttl_s: int) -> None:
    deadline = time.monotonic() + 15
    while not leases.acquire(name, holder, ttl_s):
        assert time.monotonic() < deadline, "the lease outlives its time"
        time.sleep(0.05)


def test_who_has_a_lease_renews_it_and_others_are_refused(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "ann", 60)
    assert not leases.acquire(name, "bob", 60)
    assert leases.acquire(name, "ann", 60)
    assert not leases.acquire(name, "bob", 60)


def test_leases_of_other_names_are_other_leases(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "ann", 60)
    assert leases.acquire(name.upper(), "bob", 60)


def test_of_many_concurrent_holders_exactly_one_wins(leases: Leases) -> None:
    name = unique("lease")
    rivals = [f"rival {n}" for n in range(12)]
    won = at_once([partial(leases.acquire, name, rival, 60) for rival in rivals])
    assert won.count(True) == 1
    assert leases.acquire(name, rivals[won.index(True)], 60)


def test_a_lease_that_ended_is_taken_over_by_exactly_one(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "dead", 1)
    rivals = [f"rival {n}" for n in range(6)]
    won: list[bool] = []
    deadline = time.monotonic() + 15
    while not any(won):
        assert time.monotonic() < deadline, "the lease outlives its time"
        won = at_once([partial(leases.acquire, name, rival, 60) for rival in rivals])
    assert won.count(True) == 1
    assert not leases.acquire(name, "dead", 1)


def test_a_lease_lasts_for_all_of_its_time(leases: Leases) -> None:
    for _ in range(3):
        name = unique("lease")
        asked = time.monotonic()
        assert leases.acquire(name, "ann", 1)
        wait_until_acquired(leases, name, "bob", 60)
        assert time.monotonic() - asked >= 0.99


def test_a_renewal_counts_from_now(leases: Leases) -> None:
    name, other = unique("lease"), unique("lease")
    assert leases.acquire(name, "ann", 1)
    assert leases.acquire(name, "ann", 60)
    assert leases.acquire(other, "ann", 1)
    wait_until_acquired(leases, other, "bob", 60)
    assert not leases.acquire(name, "bob", 60)


def test_a_lease_renewed_for_less_ends_sooner(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "ann", 600)
    assert leases.acquire(name, "ann", 1)
    wait_until_acquired(leases, name, "bob", 60)


def test_a_released_lease_is_free_at_once(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "ann", 60)
    leases.release(name, "ann")
    assert leases.acquire(name, "bob", 60)
    assert not leases.acquire(name, "ann", 60)


def test_only_its_holder_releases_a_lease(leases: Leases) -> None:
    name = unique("lease")
    assert leases.acquire(name, "ann", 60)
    leases.release(name, "bob")
    assert not leases.acquire(name, "bob", 60)
    leases.release(unique("lease"), "ann")


@pytest.mark.parametrize("ttl_s", [0, -1, -5])
def test_a_lease_without_an_end_is_an_error(leases: Leases, ttl_s: int) -> None:
    with pytest.raises(ValueError, match="lease"):
        leases.acquire(unique("lease"), "ann", ttl_s)
