"""Buckets are split, merged and rebuilt while clients write and search, and none of them can tell."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amp.domain.moves import Phase
from tests.support.move_campaign import ASSETS, CHECKS, FEW, tell
from tests.support.moves.clients import Clients
from tests.support.moves.environment import Environment, open_environment
from tests.support.percentile import percentile

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(4 * 3600)]

_BEFORE_S = 5.0
_CHECKED_S = 600


@pytest.fixture
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """That of the other tests, unless there are to be many more assets."""
    if ASSETS == FEW:
        yield request.getfixturevalue("environment")
    else:
        with open_environment(tmp_path, request.getfixturevalue("fresh_cluster_settings"), ASSETS) as made:
            yield made


def test_nobody_can_tell_that_a_bucket_is_split_and_merged_and_rebuilt(filled: Environment) -> None:
    with filled.clients("load") as clients:
        began_s = time.monotonic()
        clients.run_for(_BEFORE_S)
        tell(f"before: {searches(clients, began_s)}")
        for kind in ("split", "merge", "rebuild"):
            move(filled, clients, kind)
        clients.run_until_checked(CHECKS, _CHECKED_S)
    filled.assert_quiescent("split, merged, rebuilt", clients.verdict())


def move(filled: Environment, clients: Clients, kind: str) -> None:
    began_s = time.monotonic()
    job = filled.operator.start(kind)
    switched = filled.operator.wait_for(Phase.SWITCHED, every_s=0.05)
    switched_s = time.monotonic()
    ended = filled.operator.ended(job, began_s)
    tell(f"{ended}; {searches(clients, began_s)}")
    assert switched
    assert ended.state == "completed", ended.reason
    clients.run_until_paged_across(switched_s)


def searches(clients: Clients, since_s: float) -> str:
    took = clients.search_times_s(since_s, time.monotonic())
    p50_ms, p99_ms = (percentile(took, share) * 1000 for share in (0.5, 0.99))
    return f"{len(took)} searches, p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms"
