"""How long and how often: a short share for every run of the tests, the full campaign by `make faults`."""

import os
import random

#: Processes killed under load.
KILLS = int(os.environ.get("AMP_FAULT_KILLS", "8"))
#: How long each server stays away.
OUTAGE_S = float(os.environ.get("AMP_FAULT_OUTAGE_S", "8"))
#: How long, in one round, changes are followed until a search finds them.
FOLLOWED_S = float(os.environ.get("AMP_FAULT_FOLLOWED_S", "20"))
#: Repeats the choices of an earlier run.
SEED = int(os.environ.get("AMP_FAULT_SEED") or random.SystemRandom().randrange(1 << 32))


def operations(usual: int) -> int:
    """How many operations of clients the random world runs."""
    return int(os.environ.get("AMP_FAULT_OPERATIONS") or usual)


def rng(purpose: str) -> random.Random:
    """A source of its own for each purpose, so that one thread's choices do not hang on another's."""
    return random.Random(f"{SEED}:{purpose}")


def tell(text: str) -> None:
    """Shown by `pytest -s`, and where a test fails."""
    print(f"\n[faults, AMP_FAULT_SEED={SEED}] {text}", flush=True)  # noqa: T201 - figures for a person
