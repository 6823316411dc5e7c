"""Many seeds in two processes, or one with its trace."""

from __future__ import annotations

import multiprocessing
import os
import time

import click

from tests.simulation.stage import Stage
from tests.simulation.workers import small_and_silent
from tests.simulation.world import World

_LAST_LINES = 60
#: A campaign that finds more has found enough.
_MOST_FAILURES = 10
_stage: Stage | None = None


def outcome(seed: int) -> tuple[int, str]:
    """The seed and what went wrong with it, with the end of its trace; empty: nothing did."""
    global _stage
    _stage = _stage or Stage()
    world = World(seed, _stage)
    try:
        with small_and_silent():
            world.run()
    except Exception as e:  # noqa: BLE001 - whatever it is, it is what the campaign looks for
        return seed, f"{world.scheduler.told(_LAST_LINES)}\nSEED={seed}: {type(e).__name__}: {e}"
    return seed, ""


def run_seed(seed: int) -> int:
    """Prints the whole trace."""
    world = World(seed, Stage())
    try:
        with small_and_silent():
            world.run()
    except Exception as e:  # noqa: BLE001 - printed below its trace
        click.echo(world.scheduler.told())
        click.echo(f"SEED={seed}: {type(e).__name__}: {e}")
        return 1
    click.echo(world.scheduler.told())
    click.echo(f"SEED={seed}: no violation, {world.scheduler.steps} steps")
    return 0


def run_seeds(count: int) -> int:
    """Prints each failing seed, and how many there were."""
    processes = int(os.environ.get("PROCESSES", "2"))
    began_s, failed = time.monotonic(), []
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for seed, fault in pool.imap_unordered(outcome, range(count), chunksize=20):
            if fault:
                failed.append(seed)
                click.echo(fault)
            if len(failed) >= _MOST_FAILURES:
                break
    took_s = time.monotonic() - began_s
    click.echo(f"{count} seeds in {took_s:.0f} s ({count / took_s:.0f}/s): {len(failed)} failed {sorted(failed)[:20]}")
    return 1 if failed else 0
