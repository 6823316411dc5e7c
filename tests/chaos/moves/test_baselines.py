"""Without a safeguard clients see what must not be: the checker of moves would notice."""

import sys
from pathlib import Path

import pytest

from tests.chaos.moves.baselines import OMISSIONS
from tests.support.consistency.quiescence import wait_until_indexed
from tests.support.move_campaign import FEW, tell
from tests.support.moves.clients import REPOSITORY
from tests.support.moves.environment import open_environment
from tests.support.service.processes import AmpProcess, Service

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

#: Slow, so that a page lies in hand for a while between its reading and its writing.
_RATE = 400
_AFTER_S = 2.0
#: So many that some are deleted while their page lies in hand.
_WRITES_PER_S = 50


@pytest.mark.parametrize(("omission", "seen"), [("unfiltered_alias", "duplicate"), ("real_deletes", "resurrected")])
def test_without_a_safeguard_clients_see_it(
    fresh_cluster_settings: dict[str, str], tmp_path: Path, omission: str, seen: str
) -> None:
    with open_environment(tmp_path, fresh_cluster_settings, FEW, lambda service: leave_out(service, omission)) as made:
        with made.clients(omission, writes_per_s=_WRITES_PER_S) as clients:
            clients.run_for(_AFTER_S)
            ended = made.operator.move("split", rate=_RATE)
            clients.run_for(_AFTER_S)
        verdict = clients.verdict()
        tell(f"{omission}, {ended}: {verdict}")
        assert ended.state == "completed"
        assert verdict.anomalies[seen] > 0
        wait_until_indexed(made.amp)


def leave_out(service: Service, omission: str) -> None:
    assert omission in OMISSIONS
    program = [sys.executable, "-m", "tests.chaos.moves.baselines", omission]
    env = {**service.env, "PYTHONPATH": str(REPOSITORY)}
    for kind in ("index", "bucket"):
        baseline = AmpProcess(kind, [kind], service.api.log.parent, env, program)
        setattr(service, kind, baseline)
    service.workers = [service.index, service.relay, service.bucket]
