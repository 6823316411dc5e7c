"""A fixed share of the seeds; `make simulate` runs all of them."""

import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from itertools import pairwise

import click
import pytest

from amp.domain.moves import Phase
from tests.simulation.campaign import ran
from tests.simulation.simulation import Simulation

_SHARE = 400
#: What each share must have met, or it would prove little: every way from phase to phase, the rare ones too.
_STEPS = {
    (None, Phase.PLAN),
    (Phase.PLAN, Phase.DUAL),
    (Phase.PLAN, Phase.CANCELLED),
    (Phase.DUAL, Phase.HOLD),
    (Phase.DUAL, Phase.CANCELLED),
    (Phase.HOLD, Phase.SWITCHED),
    (Phase.HOLD, Phase.DUAL),
    (Phase.HOLD, Phase.CANCELLED),
    (Phase.CANCELLED, Phase.SWITCHED),
    (Phase.CANCELLED, None),
    (Phase.SWITCHED, None),
}


@pytest.mark.timeout(600)
def test_no_search_shows_that_buckets_move_and_the_end_is_right() -> None:
    began_s, seen = time.monotonic(), Counter[str]()
    steps, killed = set[tuple[Phase | None, Phase | None]](), set[Phase | None]()
    for seed in range(_SHARE):
        simulation, failure = ran(seed)
        if failure is not None:
            pytest.fail(f"{simulation.scheduler.trace_text(60)}\n{failure!r}\nReplay it: SEED={seed} make simulate")
        seen += Counter(
            moves=len(simulation.registry.ended),
            searches=simulation.searchers.answered,
            pages=simulation.searchers.pages,
        )
        steps |= {(before, after) for (_, before), (_, after) in pairwise(simulation.registry.history)}
        killed |= _phases_of_deaths(simulation)
    summary = ", ".join(f"{count} {what}" for what, count in seen.items())
    click.echo(f"{_SHARE} seeds in {time.monotonic() - began_s:.0f} s: {summary}")
    assert not _STEPS - steps
    assert killed == {None, *Phase}
    assert seen["moves"] > _SHARE / 2
    assert min(seen["searches"], seen["pages"]) > 5 * _SHARE


def _phases_of_deaths(simulation: Simulation) -> set[Phase | None]:
    """In which phases a bucket worker was killed."""
    history = simulation.registry.history
    starts = [since_s for since_s, _ in history]
    return {
        history[bisect_right(starts, at_s) - 1][1]
        for at_s, who, what in simulation.scheduler.trace
        if who.startswith("bucket worker") and "killed" in what
    }


def test_a_seed_replays_step_by_step_in_another_process() -> None:
    seed = "7"
    traces = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation"],
            env={**os.environ, "SEED": seed, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert traces[0] == traces[1]
    assert len(traces[0].splitlines()) > 100
