"""The whole service with its workers, embedded and on the real servers, and clients of its REST API."""

from collections.abc import Iterator

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from tests.support.service.built import running
from tests.support.service.rest import Rest
from tests.support.stack.own_namespace import OwnNamespace


# Not for the whole run: the workers' threads draw random pauses, which Hypothesis does not like beside its tests.
@pytest.fixture(scope="module", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def service(request: pytest.FixtureRequest) -> Amp:
    """Migrated, with its workers running; shared by many tests, so each uses types and projects of its own."""
    found: Amp = request.getfixturevalue(f"{request.param}_service")
    return found


@pytest.fixture(scope="session")
def cluster_settings(own_namespace: OwnNamespace) -> Iterator[dict[str, str]]:
    """`AMP_…` variables of a namespace of the functional tests. In theirs, the contracts of the store leave hundreds of
    changes of a type that does not exist, at which the index worker of a service stops.
    """
    with own_namespace() as variables:
        yield variables


@pytest.fixture(scope="module")
def embedded_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amp]:
    with running({"data_dir": tmp_path_factory.mktemp("amp")}) as amp:
        yield amp


@pytest.fixture(scope="module")
def cluster_service(cluster_settings: dict[str, str]) -> Iterator[Amp]:
    with running(cluster_settings) as amp:
        yield amp


@pytest.fixture(scope="module")
def rest(service: Amp) -> Rest:
    """A client of the API."""
    return Rest(create_app(service))
