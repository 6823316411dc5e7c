"""An index that is lost whole comes back by itself while live traffic goes on, which hardly feels it."""

import os
import time
from itertools import chain
from pathlib import Path

import pytest

from tests.chaos.servers.follow import write_and_follow
from tests.support.fault_campaign import FOLLOWED_S, tell
from tests.support.moves.environment import Environment, open_environment
from tests.support.percentile import percentile
from tests.support.service.processes import AmpProcess, Service
from tests.support.stack.own_namespace import OwnNamespace
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

_ASSETS = int(os.environ.get("AMP_JOBS_ASSETS", "3000"))
_FULL = _ASSETS >= 200_000
#: Before, and of these those that count.
_ROUNDS, _WARM = 5, 4
_ENDS_S = 3000
#: p99 of write to found during the backfill, by that before it.
_MOST_SLOWER = 1.2


def add_job_workers(service: Service) -> None:
    folder = service.api.log.parent
    service.workers += [AmpProcess(kind, ["worker", kind], folder, service.env) for kind in ("extract", "job")]


def followed(environment: Environment, purpose: str) -> list[float]:
    """Seconds from write to found, of each change."""
    took = write_and_follow(environment.service.url, purpose, FOLLOWED_S)
    rate, p50_s, p99_s = len(took) / FOLLOWED_S, percentile(took, 0.5), percentile(took, 0.99)
    tell(f"{purpose}: {len(took)} changes at {rate:.0f}/s found, p50 {p50_s:.2f} s, p99 {p99_s:.2f} s")
    return took


def states(environment: Environment) -> set[str]:
    return {item["state"] for item in environment.api_client.sure("GET", "/v1/admin/buckets").json()["items"]}


def searches_answer(environment: Environment) -> bool:
    answer = environment.api_client.send("POST", "/v1/search", json={"size": 0})
    return answer is not None and answer.status_code == 200


def test_a_lost_index_is_rebuilt_whole_beside_live_traffic(own_namespace: OwnNamespace, tmp_path: Path) -> None:
    with (
        own_namespace() as settings,
        open_environment(tmp_path, {**settings, "AMP_BUCKET_CHECK_S": "1"}, _ASSETS, add_job_workers) as environment,
    ):
        before_s = [followed(environment, f"before, round {n}") for n in range(_ROUNDS if _FULL else 1)]
        [index] = [info.index for info in environment.amp.adapters.indices.info()]
        began = time.monotonic()
        environment.amp.adapters.indices.drop(index)
        # The map says so before the index is there.
        wait_until(
            lambda: "incomplete" in states(environment) and searches_answer(environment),
            60,
            "an empty index to stand in",
        )
        during_s: list[list[float]] = []
        while "incomplete" in states(environment) and time.monotonic() < began + _ENDS_S:
            during_s.append(followed(environment, f"during, round {len(during_s)}"))
        wait_until(lambda: states(environment) == {"open"}, _ENDS_S, "the bucket to be complete")
        tell(f"backfill of {_ASSETS} assets beside live traffic: {time.monotonic() - began:.0f} s")
        environment.assert_quiescent("after the backfill")
        # Warm servers are compared with warm ones.
        before_p99_s, during_p99_s = (percentile(list(chain(*took)), 0.99) for took in (before_s[-_WARM:], during_s))
        tell(f"p99 {during_p99_s:.2f} s, before {before_p99_s:.2f} s")
        assert not _FULL or during_p99_s <= _MOST_SLOWER * before_p99_s
