"""How much of a campaign a run takes: a fixed share in CI and by hand, all of it with `make test-hostile`."""

import os
import random

IS_CAMPAIGN = os.environ.get("AMP_HOSTILE_FULL") == "1"


def count(fixed: int, campaign: int) -> int:
    return campaign if IS_CAMPAIGN else fixed


def seeded() -> random.Random:
    """A generator whose seed is printed; `AMP_HOSTILE_SEED` repeats a run."""
    seed = int(os.environ.get("AMP_HOSTILE_SEED") or random.randrange(2**32))
    print(f"AMP_HOSTILE_SEED={seed}")  # noqa: T201 - pytest displays it with a failure
    return random.Random(seed)
