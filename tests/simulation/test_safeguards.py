"""Takes each safeguard of the protocol away: the simulation must notice, or it proves nothing."""

import dataclasses

import click
import pytest

from tests.simulation.campaign import ran
from tests.simulation.safeguards import SAFEGUARDS
from tests.support.simulated.faults import HARD
from tests.support.simulated.violations import Untidy

#: Each is noticed about once in 2 to 300 seeds.
_SEEDS = 3_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SAFEGUARDS)
def test_without_this_safeguard_searches_go_wrong(name: str) -> None:
    safeguard = SAFEGUARDS[name]
    weather = HARD[safeguard.weather]
    parts = dataclasses.replace(safeguard.without, faults=lambda _: weather())
    for seed in range(safeguard.first_seed, safeguard.first_seed + _SEEDS):
        _, found = ran(seed, parts)
        if isinstance(found, safeguard.noticed) and not isinstance(found, Untidy):
            click.echo(f"without {name}: seed {seed}: {found}")
            return
    pytest.fail(f"{_SEEDS} seeds without {name}, and nobody noticed")
