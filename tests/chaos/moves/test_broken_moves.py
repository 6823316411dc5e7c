"""Whatever dies, sleeps or lies while a bucket moves: the move ends or is given up, and no client can tell."""

from collections.abc import Iterator

import pytest

from amp.domain.moves import Phase
from tests.chaos.moves.chaos import Chaos, over_and_over
from tests.chaos.moves.move_faults import RATE, MoveFaults
from tests.support.move_campaign import FULL, KILLS, rng
from tests.support.moves.clients import Clients
from tests.support.moves.environment import Environment

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(7200)]

_ROUNDS = 3 if FULL else 1
_LONG_PHASES = (Phase.DUAL, Phase.HOLD, Phase.SWITCHED)
_KILLED_IN = tuple(Phase) if FULL else (Phase.DUAL, Phase.HOLD)


@pytest.fixture
def chaos(environment: Environment) -> Iterator[Chaos]:
    made = Chaos(environment.amp.settings, environment.service)
    yield made
    made.close()


def move_faults(environment: Environment, chaos: Chaos, clients: Clients) -> MoveFaults:
    return MoveFaults(environment, chaos, clients, rng(clients.folder.name))


def test_bucket_workers_killed_in_each_phase_and_at_any_moment_do_no_harm(
    environment: Environment, chaos: Chaos
) -> None:
    with environment.clients("killed") as clients:
        some, killed = move_faults(environment, chaos, clients), 0
        for _ in range(_ROUNDS):
            for phase in _KILLED_IN:
                some.killed_in(phase)
        while killed < KILLS:
            killed += some.killed_at_random(KILLS - killed)
    phases = ", ".join(phase.value for phase in _KILLED_IN)
    environment.assert_quiescent(f"killed in {phases} ({_ROUNDS} times), {killed} times at random", clients.verdict())


def test_workers_that_sleep_through_a_phase_do_no_harm(environment: Environment, chaos: Chaos) -> None:
    with environment.clients("slept") as clients:
        some = move_faults(environment, chaos, clients)
        for _ in range(_ROUNDS):
            for phase in _LONG_PHASES if FULL else (Phase.HOLD,):
                some.index_worker_sleeps_through(phase)
            for phase in _LONG_PHASES if FULL else (Phase.DUAL,):
                some.bucket_worker_sleeps_through(phase)
    environment.assert_quiescent("workers that slept", clients.verdict())


def test_a_cache_that_forgets_or_shows_an_old_map_does_no_harm(environment: Environment, chaos: Chaos) -> None:
    with environment.clients("cache") as clients:
        some = move_faults(environment, chaos, clients)
        old = chaos.cached_map()
        assert old is not None
        for _ in range(_ROUNDS):
            with over_and_over(lambda: chaos.cache_map(old)):
                some.move()
            if FULL:
                with over_and_over(chaos.flush_cache):
                    some.move()
    environment.assert_quiescent("a cache that lies", clients.verdict())


def test_two_bucket_workers_at_once_do_no_harm(environment: Environment, chaos: Chaos) -> None:
    with environment.clients("two") as clients:
        some = move_faults(environment, chaos, clients)
        chaos.second.start()
        with over_and_over(chaos.free_lease):
            for _ in range(_ROUNDS):
                some.move()
        chaos.second.stop()
    environment.assert_quiescent(f"two bucket workers, {RATE} documents a second each", clients.verdict())
