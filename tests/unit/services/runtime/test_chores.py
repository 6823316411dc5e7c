"""A chore that fails stops neither the other chores nor the loop, and is not tried all the time."""

import pytest

from amp.errors import StoreUnavailable
from amp.services.runtime.chores import Chores


class Clock:
    at_s = 0.0

    def monotonic_s(self) -> float:
        return self.at_s

    def now_ms(self) -> int:
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError(seconds)


@pytest.mark.parametrize("error", [StoreUnavailable(), OverflowError("infinity"), KeyError("x")], ids=repr)
def test_the_others_go_on_while_one_fails_and_waits(error: Exception) -> None:
    clock, called = Clock(), {"bad": 0, "good": 0}

    def bad() -> None:
        called["bad"] += 1
        raise error

    def good() -> None:
        called["good"] += 1

    chores = Chores(clock=clock, chores={"bad": bad, "good": good})
    for _ in range(600):
        chores.run()
        clock.at_s += 0.5
    assert called["good"] == 600
    assert 6 <= called["bad"] <= 12


def test_one_that_works_again_is_called_each_time() -> None:
    clock, calls = Clock(), []

    def once_bad() -> None:
        calls.append(clock.at_s)
        if len(calls) == 1:
            raise StoreUnavailable

    chores = Chores(clock=clock, chores={"chore": once_bad})
    for _ in range(10):
        chores.run()
        clock.at_s += 1.0
    assert len(calls) == 10
