"""Runs seeds: `python -m tests.simulation`, with SEEDS=n for fewer of them, or SEED=n for one with its whole trace.

FIRST=n begins elsewhere than at 0, and PROCESSES=n takes another number of them than two.
"""

import os
import sys

from tests.simulation.campaign import run_seed, run_seeds

if __name__ == "__main__":
    if seed := os.environ.get("SEED"):
        sys.exit(run_seed(int(seed)))
    first, count = int(os.environ.get("FIRST", "0")), int(os.environ.get("SEEDS", "20000"))
    sys.exit(run_seeds(range(first, first + count), int(os.environ.get("PROCESSES", "2"))))
