"""Whatever dies at whatever moment: what was acknowledged is in the store, and the index comes to equal the store."""

import pytest

from tests.chaos.servers.environment import Environment
from tests.support.fault_campaign import KILLS, rng, tell

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_kills_at_random_moments_lose_nothing(environment: Environment) -> None:
    service, choices = environment.service, rng("kills")
    victims = {
        "API": service.api.kill,
        "index worker": service.index.kill,
        "relay": service.relay.kill,
        "an API process": service.api.kill_child,
        "the API's parent process": service.api.kill_parent,
    }
    names: list[str] = []
    while len(names) < KILLS:
        names += choices.sample(list(victims), k=len(victims))
    killed = names[:KILLS]
    with environment.load("kills") as load:
        for name in killed:
            load.run_for(choices.uniform(0.2, 4))
            victims[name]()
            load.run_for(choices.uniform(0, 1))
            service.start()
        load.run_for(1)
    tell(f"{len(killed)} kills: " + ", ".join(f"{killed.count(name)} of {name}" for name in victims))
    environment.assert_nothing_lost("kills")
