"""Decides from a seed who takes the next step, when time goes on, and which call fails in which way.

Exactly one actor runs at any time: it holds the baton. Services are plain synchronous code, so each has a thread of
its own; whoever reaches a call decides who goes on, and hands the baton over only if that is another thread. Actors
that are no services, and what servers still work on after their caller is gone, are generators and need no thread.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from amp.errors import AmpError
from tests.support.simulated.faults import Fate, Faults
from tests.support.simulated.stage import Hand, Stage
from tests.support.simulated.violations import Killed, Violation

_T = TypeVar("_T")
#: What an actor without a thread yields: how long it rests, what it waits for, or (None) that others may go first.
Pause = float | Callable[[], bool] | None
Play = Generator[Pause, None, _T]
#: Steps between looks whether all is quiescent.
_LOOKS_EVERY = 10


@dataclass(eq=False, slots=True)
class Actor:
    """Somebody the scheduler can choose."""

    name: str
    wake_s: float = 0.0
    until: Callable[[], bool] | None = None
    hand: Hand | None = None  #: a service's
    play: Play[Any] | None = None  #: of anybody else
    dead: bool = False  #: killed; what it calls in its last breath has no effect
    passing: bool = False  #: ends by itself, and should before the run does


class Scheduler:
    def __init__(
        self, seed: int, stage: Stage, *, max_steps: int, faults: Callable[[random.Random], Faults] = Faults.of
    ) -> None:
        self.random = random.Random(seed)
        self.faults = faults(self.random)
        self.now_s = 0.0
        self.steps = 0
        self.current = Actor("nobody")
        self.actors: list[Actor] = []
        self.trace: list[tuple[float, str, str]] = []
        #: Called after every step; raises if it sees what must not be.
        self.after_step: Callable[[], None] = lambda: None
        #: Asked now and then; True: this is the end.
        self.is_quiescent: Callable[[], bool] = lambda: True
        self._stage = stage
        self._max_steps = max_steps
        self._tick_s = self.random.choice((0.005, 0.02, 0.1))
        #: How likely it is that whoever took the last step takes the next one too.
        self._persistence = self.random.choice((0.0, 0.0, 0.3, 0.7))
        self._ended = False
        self._failure: BaseException | None = None

    def add_play(self, name: str, play: Play[Any]) -> Actor:
        actor = Actor(name, play=play)
        self.actors.append(actor)
        return actor

    def add_service(self, name: str, life: Callable[[], None]) -> Actor:
        """`life` is one life of a process: after each it is born again."""
        actor = Actor(name)
        actor.hand = self._stage.hand(lambda: self._live(actor, life))
        self.actors.append(actor)
        return actor

    def run(self) -> None:
        """Until all is quiescent.

        :raises Violation: what must never be, was; or it never came to rest.
        """
        try:
            self._pass_on(None)
            self._stage.wait()
        finally:
            for actor in self.actors:
                if actor.hand is not None:
                    actor.hand.finish()
        if self._failure is not None:
            raise self._failure

    def trace_text(self, last: int = 0) -> str:
        """The trace, one line a step; only its `last` lines if not 0."""
        return "\n".join(f"{at:9.3f}  {who:18} {what}" for at, who, what in self.trace[-last:])

    def note(self, what: str) -> None:
        self.trace.append((self.now_s, self.current.name, what))

    # What services call

    def call(self, what: str, effect: Callable[[], _T], lost: Callable[[], _T]) -> _T:
        """A call that takes effect at one moment. `lost` answers, or raises, in place of an answer that never came."""
        match self._begin(what):
            case Fate.REFUSED:
                return lost()
            case Fate.ANSWER_LOST:
                effect()
                return lost()
            case Fate.LATE:
                self._later(what, effect)
                return lost()
            case Fate.TWICE:
                self._later(what, effect)
            case Fate.KILLED_AFTER:
                effect()
                self._kill()
        return effect()

    def serve(self, what: str, steps: Callable[[], Play[_T]], lost: Callable[[], _T]) -> _T:
        """A call that a server works on in several steps, whether the caller still stands there or not."""
        fate = self._begin(what)
        if fate is Fate.REFUSED:
            return lost()
        if fate is Fate.LATE:
            self._go_on(what, steps())
            return lost()
        if fate is Fate.TWICE:
            self._go_on(what, steps())
        answer: list[_T | AmpError] = []
        self.add_play(f"server of {self.current.name}", _answering(steps(), answer)).passing = True
        if fate in (Fate.ANSWER_LOST, Fate.KILLED_AFTER):
            self.sleep(self.random.random() * 0.1)
            if fate is Fate.KILLED_AFTER:
                self._kill()
            return lost()
        self._let_others(lambda: bool(answer))
        if isinstance(answer[0], AmpError):
            raise answer[0]
        return answer[0]

    def sleep(self, seconds: float) -> None:
        self.current.wake_s = self.now_s + max(0.0, seconds)
        self._let_others()

    def wait(self, until: Callable[[], bool]) -> None:
        self._let_others(until)

    def _begin(self, what: str) -> Fate:
        self._let_others()
        if nap_s := self.faults.nap_before_s(self.random, what):
            self.sleep(nap_s)
        fate = self.faults.fate(self.random, what)
        self.note(what if fate is Fate.DONE else f"{what}: {fate.value}")
        if fate is Fate.KILLED:
            self._kill()
        return fate

    def _let_others(self, until: Callable[[], bool] | None = None) -> None:
        actor = self.current
        if actor.dead:
            raise Killed
        actor.until = until
        self._pass_on(actor)
        actor.until = None

    def _kill(self) -> None:
        self.current.dead = True
        raise Killed

    def _later(self, what: str, effect: Callable[[], Any]) -> None:
        def steps() -> Play[None]:
            effect()
            yield None

        self._go_on(what, steps())

    def _go_on(self, what: str, work: Play[Any]) -> None:
        """A server goes on with it, sooner or later, and nobody hears of the outcome."""

        def play() -> Play[None]:
            yield self.faults.lateness_s(self.random)
            self.note(what)
            try:
                yield from work
            except AmpError as e:
                self.note(f"{what}: {e}")

        self.add_play(f"late from {self.current.name}", play()).passing = True

    # The baton

    def _live(self, actor: Actor, life: Callable[[], None]) -> None:
        """The thread of a service."""
        assert actor.hand is not None
        try:
            while not self._ended:
                try:
                    life()
                except Killed:
                    if self._ended:
                        return
                actor.dead = False
                actor.wake_s = self.now_s + self.random.random() * 3
                self._let_others()
        except Killed:
            return
        except BaseException as failure:  # noqa: BLE001 - whatever a service dies of is what the run was for
            self._end(failure)
            actor.hand.wait()

    def _pass_on(self, holder: Actor | None) -> None:
        """Returns when it is the holder's turn again."""
        if self._ended:
            raise Killed
        try:
            chosen = self._next()
        except (Exception, Violation) as failure:  # noqa: BLE001 - a violation, or a fault of a twin
            self._end(failure)
            chosen = None
        if chosen is not None:
            self.current = chosen
            if chosen is holder:
                return
            assert chosen.hand is not None
            chosen.hand.go()
        if holder is not None:
            assert holder.hand is not None
            holder.hand.wait()
            if self._ended:
                raise Killed

    def _next(self) -> Actor | None:
        """The next service to go on; None: the end. Everybody else's steps are taken right here."""
        chance = self.random
        while True:
            self.after_step()
            self.steps += 1
            if self.steps > self._max_steps:
                raise Violation(f"not quiescent after {self.steps} steps; awake: {self._awake()}")
            self.now_s += chance.random() * self._tick_s
            if self.steps % _LOOKS_EVERY == 0 and self.is_quiescent():
                self._end(None)
                return None
            ready = self._ready()
            while not ready:
                asleep = [actor.wake_s for actor in self.actors if actor.wake_s > self.now_s]
                if not asleep:
                    raise Violation(f"all wait for each other: {self._awake()}")
                self.now_s = min(asleep)
                ready = self._ready()
            if chance.random() < self._persistence and self.current in ready:
                actor = self.current
            else:
                actor = ready[int(chance.random() * len(ready))]
            if nap_s := self.faults.nap_s(chance):
                actor.wake_s = self.now_s + nap_s  # stopped like a process by SIGSTOP
            elif actor.play is None:
                return actor
            else:
                self._play(actor, actor.play)

    def _ready(self) -> list[Actor]:
        now_s = self.now_s
        return [a for a in self.actors if a.wake_s <= now_s and (a.until is None or a.until())]

    def _play(self, actor: Actor, play: Play[Any]) -> None:
        self.current = actor
        try:
            pause = next(play)
        except StopIteration:
            self.actors.remove(actor)
            return
        actor.until = pause if callable(pause) else None
        actor.wake_s = self.now_s + pause if isinstance(pause, float) else 0.0

    def _end(self, failure: BaseException | None) -> None:
        if not self._ended:
            self._ended, self._failure = True, failure
            self._stage.ring()

    def _awake(self) -> str:
        return ", ".join(f"{actor.name} (until {actor.wake_s:.1f} s)" for actor in self.actors)


def _answering(work: Play[_T], answer: list[_T | AmpError]) -> Play[None]:
    try:
        answer.append((yield from work))
    except AmpError as e:
        answer.append(e)
