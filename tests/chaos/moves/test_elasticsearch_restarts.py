"""Elasticsearch dies and comes back while a bucket moves: writes go on, and searches are right whenever they work."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amp.domain.moves import Phase
from tests.chaos.moves.move_faults import RATE
from tests.support.move_campaign import FEW, rng, tell
from tests.support.moves.clients import Clients
from tests.support.moves.environment import Environment, open_environment
from tests.support.service.api_client import ApiClient
from tests.support.stack import Server, Stack
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

_AWAY_S = 1.0
_BACK_S = 120
#: Each on a connection of its own, so that every process of the API is met.
_SEARCHES_AT_ONCE = 20
_PHASES = (Phase.DUAL, Phase.HOLD, Phase.SWITCHED)


@pytest.fixture(scope="module")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, as the shared one serves other tests."""
    with Stack(tmp_path_factory.mktemp("servers"), only=["elasticsearch"]) as stack:
        yield stack.elasticsearch


def test_elasticsearch_is_killed_while_a_bucket_moves(
    fresh_cluster_settings: dict[str, str], elasticsearch: Server, tmp_path: Path
) -> None:
    choices = rng("elasticsearch")
    env = {**fresh_cluster_settings, elasticsearch.kind.setting: elasticsearch.address}
    with open_environment(tmp_path, env, FEW) as made:
        with made.clients("restarts") as clients:
            for phase in _PHASES * 2:
                began_s = time.monotonic()
                kind = "split" if len(made.operator.buckets()) == 1 else "merge"
                job = made.operator.start(kind, rate=RATE)
                met = made.operator.wait_for(phase)
                clients.run_for(choices.uniform(0, 1))
                restart(made, elasticsearch, clients)
                ended = made.operator.ended(job, began_s)
                tell(f"Elasticsearch killed in {phase.value}, {'met' if met else 'missed'}: {ended}")
        made.assert_quiescent("Elasticsearch restarted", clients.verdict())


def restart(made: Environment, elasticsearch: Server, clients: Clients) -> None:
    began_s = time.monotonic()
    elasticsearch.kill()
    clients.run_for(_AWAY_S)
    elasticsearch.start()
    elasticsearch.wait_ready()
    wait_until(lambda: all(searches(made.service.url) for _ in range(_SEARCHES_AT_ONCE)), _BACK_S, "searches to work")
    clients.excuse(began_s, time.monotonic())


def searches(url: str) -> bool:
    with ApiClient(url) as api_client:
        answer = api_client.send("POST", "/v1/search", json={"size": 1})
        return answer is not None and answer.status_code == 200
