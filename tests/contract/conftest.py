"""The adapters of both profiles, for the contracts of the store's ports."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.ports.component import Component
from amp.profiles import Adapters, cluster, embedded
from amp.settings import Settings, load_settings
from tests.support.background import background_threads

STORES = ["embedded", pytest.param("cassandra", marks=pytest.mark.cluster)]


@pytest.fixture(params=STORES)
def store_profile(request: pytest.FixtureRequest) -> Adapters:
    """Their store is ready for use; Cassandra's is shared by all tests of the run, so each uses ids and names of its
    own."""
    return request.getfixturevalue(f"_{request.param}_profile")


@pytest.fixture(params=STORES)
def fresh_store_profile(request: pytest.FixtureRequest) -> Adapters:
    """A store that nobody wrote to."""
    return request.getfixturevalue(f"_fresh_{request.param}_profile")


@pytest.fixture(params=STORES)
def unmade_store_profile(request: pytest.FixtureRequest) -> Adapters:
    """A store that nothing was made in yet."""
    return request.getfixturevalue(f"_unmade_{request.param}_profile")


def store_part(adapters: Adapters) -> Component:
    return next(part for part in adapters.components if part.name == "store")


def settings_of(variables: dict[str, str], **overrides: object) -> Settings:
    return load_settings({name.removeprefix("AMP_").lower(): value for name, value in variables.items()} | overrides)


@pytest.fixture
def _unmade_embedded_profile(tmp_path: Path) -> Iterator[Adapters]:
    with closing(embedded(load_settings({"data_dir": str(tmp_path)}))) as adapters:
        yield adapters


@pytest.fixture
def _embedded_profile(_unmade_embedded_profile: Adapters) -> Adapters:
    return _made(_unmade_embedded_profile)


@pytest.fixture
def _fresh_embedded_profile(_embedded_profile: Adapters) -> Adapters:
    return _embedded_profile


@pytest.fixture(scope="session")
def _cassandra_profile(cluster_settings: dict[str, str]) -> Iterator[Adapters]:
    with closing(cluster(settings_of(cluster_settings), background_threads())) as adapters:
        yield _made(adapters)


@pytest.fixture
def _unmade_cassandra_profile(unmade_cluster_settings: dict[str, str]) -> Iterator[Adapters]:
    with closing(cluster(settings_of(unmade_cluster_settings), background_threads())) as adapters:
        yield adapters


@pytest.fixture
def _fresh_cassandra_profile(fresh_cluster_settings: dict[str, str]) -> Iterator[Adapters]:
    with closing(cluster(settings_of(fresh_cluster_settings), background_threads())) as adapters:
        yield _made(adapters)


def _made(adapters: Adapters) -> Adapters:
    store_part(adapters).migrate()
    return adapters
