"""How much of a campaign a run takes: a fixed share in CI and by hand, all of it with `make test-hostile`."""

import os
import random

from tests.support.campaign_seed import campaign_seed

IS_CAMPAIGN = os.environ.get("AMP_HOSTILE_FULL") == "1"


def count(fixed: int, campaign: int) -> int:
    return campaign if IS_CAMPAIGN else fixed


def seeded() -> random.Random:
    """A generator whose seed is printed; `AMP_HOSTILE_SEED` repeats a run."""
    seed = campaign_seed("AMP_HOSTILE_SEED")
    print(seed)  # noqa: T201 - pytest displays it with a failure
    return random.Random(seed.value)
