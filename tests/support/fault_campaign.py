"""How long and how often: a short share in every run of the tests, the full campaign with `make test-faults`."""

import os

from tests.support.campaign_seed import campaign_seed

#: Processes killed under load.
KILLS = int(os.environ.get("AMP_FAULT_KILLS", "8"))
#: How long each server stays away.
OUTAGE_S = float(os.environ.get("AMP_FAULT_OUTAGE_S", "8"))
#: How long, in one round, changes are followed until a search finds them.
FOLLOWED_S = float(os.environ.get("AMP_FAULT_FOLLOWED_S", "20"))
#: Repeats the choices of an earlier run.
SEED = campaign_seed("AMP_FAULT_SEED")
rng, tell = SEED.rng, SEED.tell


def operations(usual: int) -> int:
    """How many operations of clients run at random."""
    return int(os.environ.get("AMP_FAULT_OPERATIONS") or usual)
