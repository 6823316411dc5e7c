"""The service of the tests of moves, on the shared servers: filled once, whole at the start of every test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.support.move_campaign import FEW, FULL
from tests.support.moves.environment import World
from tests.support.moves.environment import world as new_world

#: Takes a server of its own, and minutes.
collect_ignore = [] if FULL else ["test_elasticsearch_restarts.py"]


@pytest.fixture(scope="package")
def moving_world(
    own_namespace: Callable[[], AbstractContextManager[dict[str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with own_namespace() as settings, new_world(tmp_path_factory.mktemp("moves"), settings, FEW) as made:
        yield made


@pytest.fixture
def world(moving_world: World) -> World:
    moving_world.service.start()
    return moving_world
