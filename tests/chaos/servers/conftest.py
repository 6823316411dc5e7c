"""The servers and the service of these tests: started once for this folder, whole at the start of every test."""

from collections.abc import Iterator

import pytest

from tests.chaos.servers.environment import Environment, open_environment


@pytest.fixture(scope="package")
def server_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with open_environment(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture
def environment(server_environment: Environment) -> Environment:
    server_environment.heal()
    return server_environment
