"""Runs seeds: `python -m tests.simulation`, with SEEDS=n for fewer of them, or SEED=n for one with its whole trace."""

import os
import sys

from tests.simulation.campaign import run_seed, run_seeds

if __name__ == "__main__":
    if seed := os.environ.get("SEED"):
        sys.exit(run_seed(int(seed)))
    sys.exit(run_seeds(int(os.environ.get("SEEDS", "20000"))))
