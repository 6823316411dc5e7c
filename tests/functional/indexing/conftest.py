"""The service without its workers, embedded and on the real servers, so that tests index change by change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service.wired import Wired, embedded, wired


@pytest.fixture(scope="module")
def wired_cluster(cluster_settings: dict[str, str]) -> Iterator[Wired]:
    with wired(cluster_settings) as made:
        yield made


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def wired_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    if request.param == "cluster":
        yield Wired(request.getfixturevalue("wired_cluster").amp)
    else:
        with wired(embedded(tmp_path)) as made:
            yield made
