"""Moves to which something happens: their worker dies or sleeps, at a moment drawn at random."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amp.domain.moves import Phase
from tests.chaos.moves.chaos import Chaos
from tests.support.move_campaign import tell
from tests.support.moves.clients import Clients
from tests.support.moves.environment import Environment
from tests.support.service.processes import AmpProcess
from tests.support.stack.waiting import wait_until

#: Documents a second; slow enough for a copy to be met in the middle of it.
RATE = 1_000
#: About as long as a phase lasts, from when it is first seen.
_LASTS_S = {Phase.PLAN: 0.3, Phase.DUAL: 2.0, Phase.HOLD: 0.2, Phase.SWITCHED: 4.0, Phase.CANCELLED: 0.2}
#: About as long as a whole move lasts.
_MOVE_S = 8.0
#: Of the dead, whose lease the next one has to wait for.
_WAITS_FOR_LEASE = 0.1
#: A phase of the campaign's largest buckets, at this rate, with the wait for searches to end.
_PHASE_ENDS_S = 600


@dataclass
class MoveFaults:
    environment: Environment
    chaos: Chaos
    clients: Clients
    choices: random.Random
    _number: int = 0

    def next_kind(self) -> str:
        """In turn, as far as it is possible: what is to be merged must have been split."""
        self._number += 1
        if len(self.environment.operator.buckets()) == 1:
            return ("split", "rebuild")[self._number % 4 == 0]
        return ("merge", "rebuild")[self._number % 4 == 0]

    def move(self) -> None:
        """To its end, or until it is given up."""
        tell(str(self.environment.operator.move(self.next_kind(), rate=RATE)))

    def killed_in(self, phase: Phase) -> None:
        began_s, job, met = self._until(phase)
        self._pass_time(_LASTS_S[phase])
        self._kill(job, began_s)
        tell(f"{phase.value}, {'met' if met else 'missed'}, killed: {self.environment.operator.ended(job, began_s)}")

    def killed_at_random(self, most: int) -> int:
        """How often; a move may take more than one."""
        began_s, kills = time.monotonic(), 0
        job = self.environment.operator.start(self.next_kind(), rate=RATE)
        for _ in range(min(most, self.choices.choice((1, 1, 2, 3)))):
            self._pass_time(_MOVE_S)
            if self.environment.operator.recorded() is None:
                break
            self._kill(job, began_s)
            kills += 1
        tell(f"killed {kills} times at random: {self.environment.operator.ended(job, began_s)}")
        return kills

    def index_worker_sleeps_through(self, phase: Phase) -> None:
        """From before the phase until past it; it holds events of old, and knows an old map."""
        index = self.environment.service.index
        before = list(Phase)[max(0, list(Phase).index(phase) - 1)]
        began_s, job, _ = self._until(before)
        with self._asleep(index):
            self._wait_past(phase)
        tell(f"index worker slept through {phase.value}: {self.environment.operator.ended(job, began_s)}")

    def bucket_worker_sleeps_through(self, phase: Phase) -> None:
        """In the middle of it; another one goes on, past this phase or to the end, before the first wakes up."""
        began_s, job, met = self._until(phase)
        self._pass_time(_LASTS_S[phase] / 2)
        with self._asleep(self.environment.service.bucket):
            self.chaos.free_lease()
            self.chaos.second.start()
            self._wait_past(phase)
            self._pass_time(2.0)
        ended = self.environment.operator.ended(job, began_s)
        tell(f"bucket worker slept in {phase.value}, {'met' if met else 'missed'}: {ended}")
        self.chaos.second.stop()
        self.chaos.free_lease()

    def _until(self, phase: Phase) -> tuple[float, str, bool]:
        """When a move was asked for, its job, and whether the phase was met: it may be too short to be seen."""
        began_s = time.monotonic()
        job = self.environment.operator.start(self.next_kind(), rate=RATE)
        if phase is Phase.CANCELLED:
            self.environment.operator.wait_for(Phase.DUAL)
            self._pass_time(_LASTS_S[Phase.DUAL] / 2)
            self.environment.operator.cancel(job)
        return began_s, job, self.environment.operator.wait_for(phase)

    def _kill(self, job: str, began_s: float) -> None:
        """And start another."""
        waits = self.choices.random() < _WAITS_FOR_LEASE
        move = self.environment.operator.recorded()
        self.environment.service.bucket.kill()
        tell(
            f"killed at {time.monotonic():.3f} in {'no phase' if move is None else move.phase.value}, "
            f"{time.monotonic() - began_s:.1f} s after job {job} began{', its lease kept' if waits else ''}"
        )
        if not waits:
            self.chaos.free_lease()
        self.environment.service.bucket.start()

    @contextmanager
    def _asleep(self, process: AmpProcess) -> Iterator[None]:
        process.pause()
        try:
            yield
        finally:
            process.resume()

    def _wait_past(self, phase: Phase) -> None:
        def past() -> bool:
            move = self.environment.operator.recorded()
            return move is None or list(Phase).index(move.phase) > list(Phase).index(phase)

        wait_until(past, _PHASE_ENDS_S, f"phase {phase} to end", 0.02)

    def _pass_time(self, most_s: float) -> None:
        self.clients.run_for(self.choices.uniform(0, most_s))
