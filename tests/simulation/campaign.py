"""Many seeds in some processes, or one with its trace."""

from __future__ import annotations

import multiprocessing
import time
from functools import cache
from typing import TypeVar

import click

from tests.simulation.parts import WHOLE, Parts
from tests.simulation.simulation import Simulation
from tests.simulation.small_pages import small_and_silent
from tests.support.simulated.stage import Stage
from tests.support.simulated.violations import Violation

_LAST_LINES = 60
#: A campaign that finds more has found enough.
_MAX_FAILURES = 10
_stage = cache(Stage)
_Simulation = TypeVar("_Simulation", bound=Simulation)


def ran(
    seed: int, parts: Parts = WHOLE, kind: type[_Simulation] = Simulation
) -> tuple[_Simulation, Exception | Violation | None]:
    """The simulation at its end, and what went wrong with it."""
    with small_and_silent():
        simulation = kind(seed, _stage(), parts)
        try:
            simulation.run()
        except (Exception, Violation) as e:  # noqa: BLE001 - whatever it is, it is what is looked for
            return simulation, e
    return simulation, None


def run_seed(seed: int) -> int:
    """Prints the whole trace."""
    simulation, failure = ran(seed)
    click.echo(simulation.scheduler.trace_text())
    click.echo(f"SEED={seed}: {_said(failure)}, after {simulation.scheduler.steps} steps")
    return 0 if failure is None else 1


def run_seeds(seeds: range, processes: int) -> int:
    """Prints each failing seed with the end of its trace, and how many there were."""
    began_s, failed = time.monotonic(), []
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for done, (seed, fault) in enumerate(pool.imap_unordered(_outcome, seeds, chunksize=20), 1):
            if fault:
                failed.append(seed)
                click.echo(fault)
            if len(failed) >= _MAX_FAILURES:
                break
            if done % 1_000 == 0:
                click.echo(f"{done} seeds in {time.monotonic() - began_s:.0f} s")
    took_s = time.monotonic() - began_s
    click.echo(f"{done} seeds in {took_s:.0f} s ({done / took_s:.0f}/s): {len(failed)} failed {sorted(failed)}")
    return 1 if failed else 0


def _outcome(seed: int) -> tuple[int, str]:
    simulation, failure = ran(seed)
    if failure is None:
        return seed, ""
    return seed, f"{simulation.scheduler.trace_text(_LAST_LINES)}\nSEED={seed}: {_said(failure)}"


def _said(failure: Exception | Violation | None) -> str:
    return "no violation" if failure is None else f"{type(failure).__name__}: {failure}"
