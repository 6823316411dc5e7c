"""A polling loop waits out what passes, and leaves unexpected errors to whoever runs its thread."""

import threading

import pytest

from amp.errors import StoreUnavailable
from amp.services.runtime.polling import PollingLoop
from amp.services.runtime.retry import Backoff


def loop_of(*outcomes: Exception | None) -> tuple[PollingLoop, list[int]]:
    """A loop with these outcomes; stopped after the last."""
    left, steps = list(outcomes), []

    def step(stop: threading.Event) -> float:
        steps.append(len(steps))
        outcome = left.pop(0)
        if not left:
            stop.set()
        if outcome is not None:
            raise outcome
        return 0.0

    return PollingLoop(name="test", step=step, backoff=Backoff(first_s=0.001, max_s=0.002)), steps


def test_it_goes_on_after_errors_that_pass() -> None:
    loop, steps = loop_of(None, StoreUnavailable(), StoreUnavailable(), None)
    loop.run(threading.Event())
    assert len(steps) == 4


def test_an_unexpected_error_ends_it() -> None:
    loop, steps = loop_of(None, RuntimeError("broken"), None)
    with pytest.raises(RuntimeError, match="broken"):
        loop.run(threading.Event())
    assert len(steps) == 2


def test_nothing_is_done_once_it_is_stopped() -> None:
    loop, steps = loop_of(None)
    stop = threading.Event()
    stop.set()
    loop.run(stop)
    assert steps == []
