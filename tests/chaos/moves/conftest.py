"""The service of the tests of moves, on the shared servers: filled once, whole at the start of every test."""

from collections.abc import Iterator

import pytest

from tests.support.move_campaign import FEW, FULL
from tests.support.moves.environment import Environment, open_environment
from tests.support.stack.own_namespace import OwnNamespace

#: Takes a server of its own, and minutes.
collect_ignore = [] if FULL else ["test_elasticsearch_restarts.py"]


@pytest.fixture(scope="package")
def moving_environment(own_namespace: OwnNamespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with own_namespace() as settings, open_environment(tmp_path_factory.mktemp("moves"), settings, FEW) as made:
        yield made


@pytest.fixture
def environment(moving_environment: Environment) -> Environment:
    moving_environment.service.start()
    return moving_environment
