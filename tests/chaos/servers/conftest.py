"""The world of the fault tests: started once for this folder, whole at the start of every test."""

from collections.abc import Iterator

import pytest

from tests.chaos.servers.environment import World
from tests.chaos.servers.environment import world as new_world


@pytest.fixture(scope="package")
def fault_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with new_world(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture
def world(fault_world: World) -> World:
    fault_world.heal()
    return fault_world
