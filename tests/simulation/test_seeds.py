"""A fixed share of the seeds; `make simulate` runs all of them."""

import os
import subprocess
import sys
import time

import click
import pytest

from tests.simulation.campaign import ran

_SHARE = 1_000


@pytest.mark.timeout(600)
def test_no_search_ever_tells_that_buckets_move_and_all_is_right_at_rest() -> None:
    began_s, moves, searches, pages = time.monotonic(), 0, 0, 0
    for seed in range(_SHARE):
        world, failure = ran(seed)
        if failure is not None:
            pytest.fail(f"{world.scheduler.told(60)}\n{failure!r}\nReplay it: SEED={seed} make simulate")
        moves += len(world.registry.ended)
        searches += world.searchers.answered
        pages += world.searchers.pages
    click.echo(
        f"{_SHARE} seeds in {time.monotonic() - began_s:.0f} s: {moves} moves, {searches} searches, {pages} pages"
    )
    assert moves > _SHARE / 2
    assert searches > 5 * _SHARE


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
