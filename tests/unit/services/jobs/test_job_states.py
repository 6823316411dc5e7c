"""Pause, resume, cancel and end, in every order in which their calls of the store can meet."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState, open_states
from amp.domain.principals import Principal
from amp.errors import Conflict
from amp.services.jobs.control import JobControl, JobStatus
from amp.services.jobs.states import JobStates
from amp.services.runtime.presence import WorkerPresence
from tests.support.background import background_threads
from tests.support.jobs.job_log import asset_job

JOB = asset_job(id=mint_at(1))
PRINCIPAL = Principal("ann")


class Violation(Exception):
    pass


class _Interrupted(BaseException):
    """The actor waits for its next turn."""


def compare_and_set(before: JobState, state: JobState, expected: JobState | None) -> JobState | None:
    """The state after; None: refused."""
    return state if before in open_states(expected) else None


@dataclass
class Log:
    """A `JobLog` of one job that plays what an actor saw in its turns so far, then gives it one turn more."""

    state: JobState
    seen: tuple[Any, ...]
    rule: Callable[[JobState, JobState, JobState | None], JobState | None]
    turns: int = 0

    def __post_init__(self) -> None:
        self.played = len(self.seen)

    def _turn(self, call: Callable[[], Any]) -> Any:
        self.turns += 1
        if self.turns > self.played + 1:
            raise _Interrupted
        if self.turns > self.played:
            self.seen = (*self.seen, call())
        return self.seen[self.turns - 1]

    def get(self, _: object) -> Job:
        return replace(JOB, state=self._turn(lambda: self.state))

    def set_state(self, _: object, state: JobState, *, expected: JobState | None = None, **__: object) -> bool:
        def change() -> bool:
            after = self.rule(self.state, state, expected)
            if after is None:
                return False
            if self.state.ended:
                raise Violation(f"{self.state}, an end, became {state}")
            if after is self.state:
                raise Violation(f"{state} was made of {self.state}")
            self.state = after
            return True

        return bool(self._turn(change))

    def note(self, *_: object) -> None:
        """Whenever."""


class _NoChunks:
    def get(self, *_: object) -> None:
        """The job made none."""


def _steer(log: Log, control: str) -> JobStatus | None:
    presence = WorkerPresence(cache=MemoryCache(), background=background_threads())
    steer = JobControl(
        jobs=log, dead_letters=None, chunks=_NoChunks(), controllers=(), presence=presence, clock=SystemClock()
    )  # type: ignore[arg-type]
    try:
        found: JobStatus = getattr(steer, control)(JOB.id, PRINCIPAL)
    except Conflict:
        return None
    return found


def _end(log: Log, state: JobState) -> bool:
    return JobStates(jobs=log, clock=SystemClock()).end(JOB.id, state)  # type: ignore[arg-type]


ACTORS: dict[str, Callable[[Log], object]] = {
    "pause": partial(_steer, control="pause"),
    "resume": partial(_steer, control="resume"),
    "cancel": partial(_steer, control="cancel"),
    "complete": partial(_end, state=JobState.COMPLETED),
    "fail": partial(_end, state=JobState.FAILED),
}


def explore(names: tuple[str, ...], state: JobState, rule: Any = compare_and_set) -> int:
    """Every order of the actors' turns; the number of situations met.

    :raises Violation: an end was not final, or an acknowledgement was not true.
    """
    begun = (state, tuple(() for _ in names))
    met: set[Any] = {begun}
    left = [begun]
    while left:
        now, seen = left.pop()
        for n, name in enumerate(names):
            log = Log(now, seen[n], rule)
            try:
                answer = ACTORS[name](log)
            except _Interrupted:
                answer = _Interrupted
            if log.turns <= len(seen[n]):
                continue  # it is through
            if answer is not _Interrupted:
                _require_true(name, answer, log)
            following = (log.state, (*seen[:n], log.seen, *seen[n + 1 :]))
            if following not in met:
                met.add(following)
                left.append(following)
    return len(met)


def _require_true(name: str, answer: object, log: Log) -> None:
    if name == "cancel" and (answer is not None) is not (log.state is JobState.CANCELLED):
        raise Violation(f"a cancel {'acknowledged' if answer else 'refused'} of a job that is {log.state}")
    if name == "pause" and answer is not None and log.state.ended and True not in log.seen:
        raise Violation("a pause acknowledged that never was")


@pytest.mark.parametrize("state", open_states())
@pytest.mark.parametrize("count", range(1, len(ACTORS) + 1))
def test_whatever_meets_ends_are_final_and_acknowledgements_true(state: JobState, count: int) -> None:
    for names in combinations(ACTORS, count):
        assert explore(names, state) > count


@pytest.mark.parametrize("names", [("pause", "pause"), ("resume", "resume"), ("cancel", "cancel")], ids=str)
def test_the_same_asked_for_twice_at_once_is_done_once(names: tuple[str, ...]) -> None:
    for state in open_states():
        explore(names, state)


def forgets_ends(_: JobState, state: JobState, expected: JobState | None) -> JobState | None:  # noqa: ARG001
    return state


def forgets_what_is_expected(before: JobState, state: JobState, expected: JobState | None) -> JobState | None:  # noqa: ARG001
    return None if before.ended else state


@pytest.mark.parametrize("rule", [forgets_ends, forgets_what_is_expected])
def test_without_a_part_of_the_compare_and_set_the_fault_is_found(rule: Any) -> None:
    names = ("pause", "pause") if rule is forgets_what_is_expected else ("pause", "cancel")
    with pytest.raises(Violation):
        explore(names, JobState.RUNNING, rule)
