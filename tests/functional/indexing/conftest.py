"""The service without its workers, embedded and on the real servers, so that tests index change by change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service.wired import Wired, embedded, wired
from tests.support.stack.own_namespace import OwnNamespace


@pytest.fixture(scope="package")
def wired_cluster(own_namespace: OwnNamespace) -> Iterator[Wired]:
    """In a namespace of its own: workers that other tests have running would take its changes."""
    with own_namespace() as variables, wired(variables) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def wired_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    if request.param == "cluster":
        yield Wired(request.getfixturevalue("wired_cluster").amp)
    else:
        with wired(embedded(tmp_path)) as made:
            yield made
