"""A chore that fails stops neither the other chores nor the loop, and is not tried all the time."""

import pytest

from amp.errors import StoreUnavailable
from amp.services.runtime.chores import Chores
from tests.support.clock import ManualClock


@pytest.mark.parametrize("error", [StoreUnavailable(), OverflowError("infinity"), KeyError("x")], ids=repr)
def test_the_others_go_on_while_one_fails_and_waits(error: Exception) -> None:
    clock, called = ManualClock(), {"bad": 0, "good": 0}

    def bad() -> None:
        called["bad"] += 1
        raise error

    def good() -> None:
        called["good"] += 1

    chores = Chores(clock=clock, chores={"bad": bad, "good": good})
    for _ in range(600):
        chores.run()
        clock.now_s += 0.5
    assert called["good"] == 600
    assert 6 <= called["bad"] <= 12


def test_one_that_works_again_is_called_each_time() -> None:
    clock, calls = ManualClock(), []

    def once_bad() -> None:
        calls.append(clock.now_s)
        if len(calls) == 1:
            raise StoreUnavailable

    chores = Chores(clock=clock, chores={"chore": once_bad})
    for _ in range(10):
        chores.run()
        clock.now_s += 1.0
    assert len(calls) == 10
