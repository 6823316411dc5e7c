"""The scheduler itself: one at a time, faults as planned, and an end to everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amp.errors import SearchUnavailable
from tests.support.simulated.faults import Fate, Faults
from tests.support.simulated.scheduler import Play, Scheduler
from tests.support.simulated.stage import Stage
from tests.support.simulated.violations import Violation


class _Always(Faults):
    """Every call has the same fate, the first time."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fates = [fate]

    def fate(self, *_: object) -> Fate:
        return self._fates.pop() if self._fates else Fate.DONE


def _lost() -> int:
    raise SearchUnavailable("lost")


def _run(life: Callable[[Scheduler], None], faults: Faults, *, max_steps: int = 1_000) -> Scheduler:
    scheduler = Scheduler(1, Stage(), max_steps=max_steps, faults=lambda _: faults)
    scheduler.is_quiescent = lambda: len(scheduler.actors) == 1 and scheduler.now_s > 60
    scheduler.add_service("service", lambda: life(scheduler))
    scheduler.run()
    return scheduler


@pytest.mark.parametrize(
    ("fate", "effects", "answered"),
    [
        (Fate.DONE, 1, True),
        (Fate.REFUSED, 0, False),
        (Fate.ANSWER_LOST, 1, False),
        (Fate.LATE, 1, False),
        (Fate.TWICE, 2, True),
        (Fate.KILLED, 0, False),
        (Fate.KILLED_AFTER, 1, False),
    ],
)
def test_a_call_has_the_effect_and_the_answer_of_its_fate(fate: Fate, effects: int, answered: bool) -> None:
    happened: list[str] = []
    answers: list[bool] = []

    def life(scheduler: Scheduler) -> None:
        if not scheduler.trace:
            try:
                scheduler.call("call", lambda: happened.append("effect") or 1, _lost)
            except SearchUnavailable:
                answers.append(False)
            else:
                answers.append(True)
        scheduler.sleep(10)

    _run(life, _Always(fate))
    assert len(happened) == effects
    assert any(answers) is answered


def test_a_killed_process_does_nothing_more_and_is_started_again() -> None:
    happened: list[str] = []

    def life(scheduler: Scheduler) -> None:
        happened.append("born")
        try:
            scheduler.call("call", lambda: happened.append("effect"), lambda: None)
            scheduler.sleep(100)
        finally:
            scheduler.call("last breath", lambda: happened.append("breath"), lambda: None)

    _run(life, _Always(Fate.KILLED))
    assert happened[:3] == ["born", "born", "effect"]


def test_a_server_finishes_what_a_dead_caller_asked_for() -> None:
    happened: list[str] = []

    def steps() -> Play[int]:
        happened.append("begun")
        yield 5.0
        happened.append("done")
        return 1

    def life(scheduler: Scheduler) -> None:
        if not scheduler.trace:
            scheduler.serve("request", steps, _lost)
        scheduler.sleep(10)

    _run(life, _Always(Fate.KILLED_AFTER))
    assert happened == ["begun", "done"]


def test_who_never_rests_is_a_violation() -> None:
    with pytest.raises(Violation, match="not quiescent after"):
        _run(lambda scheduler: scheduler.sleep(0), Faults(), max_steps=50)


def test_what_a_service_raises_ends_the_run() -> None:
    def life(_: Scheduler) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _run(life, Faults())
