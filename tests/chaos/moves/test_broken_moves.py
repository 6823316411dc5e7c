"""Whatever dies, sleeps or lies while a bucket moves: the move ends or is given up, and no client can tell."""

from collections.abc import Iterator

import pytest

from amp.domain.moves import Phase
from tests.chaos.moves.chaos import Breaking, over_and_over
from tests.chaos.moves.move_faults import RATE, Mishaps
from tests.support.move_campaign import FULL, KILLS, rng
from tests.support.moves.clients import Clients
from tests.support.moves.environment import World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(7200)]

_ROUNDS = 3 if FULL else 1
_LONG_PHASES = (Phase.DUAL, Phase.HOLD, Phase.SWITCHED)
_KILLED_IN = tuple(Phase) if FULL else (Phase.DUAL, Phase.HOLD)


@pytest.fixture
def breaking(world: World) -> Iterator[Breaking]:
    made = Breaking(world.amp.settings, world.service)
    yield made
    made.close()


def mishaps(world: World, breaking: Breaking, clients: Clients) -> Mishaps:
    return Mishaps(world, breaking, clients, rng(clients.folder.name))


def test_bucket_workers_killed_in_each_phase_and_at_any_moment_do_no_harm(world: World, breaking: Breaking) -> None:
    with world.clients("killed") as clients:
        some, killed = mishaps(world, breaking, clients), 0
        for _ in range(_ROUNDS):
            for phase in _KILLED_IN:
                some.killed_in(phase)
        while killed < KILLS:
            killed += some.killed_at_random(KILLS - killed)
    phases = ", ".join(phase.value for phase in _KILLED_IN)
    world.assert_at_rest(f"killed in {phases} ({_ROUNDS} times), {killed} times at random", clients.verdict())


def test_workers_that_sleep_through_a_phase_do_no_harm(world: World, breaking: Breaking) -> None:
    with world.clients("slept") as clients:
        some = mishaps(world, breaking, clients)
        for _ in range(_ROUNDS):
            for phase in _LONG_PHASES if FULL else (Phase.HOLD,):
                some.index_worker_sleeps_through(phase)
            for phase in _LONG_PHASES if FULL else (Phase.DUAL,):
                some.bucket_worker_sleeps_through(phase)
    world.assert_at_rest("workers that slept", clients.verdict())


def test_a_cache_that_forgets_or_shows_an_old_map_does_no_harm(world: World, breaking: Breaking) -> None:
    with world.clients("cache") as clients:
        some = mishaps(world, breaking, clients)
        old = breaking.cached_map()
        assert old is not None
        for _ in range(_ROUNDS):
            with over_and_over(lambda: breaking.cache_map(old)):
                some.move()
            if FULL:
                with over_and_over(breaking.flush_cache):
                    some.move()
    world.assert_at_rest("a cache that lies", clients.verdict())


def test_two_bucket_workers_at_once_do_no_harm(world: World, breaking: Breaking) -> None:
    with world.clients("two") as clients:
        some = mishaps(world, breaking, clients)
        breaking.second.start()
        with over_and_over(breaking.free_lease):
            for _ in range(_ROUNDS):
                some.move()
        breaking.second.stop()
    world.assert_at_rest(f"two bucket workers, {RATE} documents a second each", clients.verdict())
