"""What the simulated installation is like: its names, its limits, and where its buckets begin."""

from __future__ import annotations

import random

from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.services.moves.autosplit import BucketSizes

PREFIX = "sim"
VERSIONS_KEPT = 2
#: Searches that take longer are given up by the servers.
LONGEST_SEARCH_S = 5.0
#: What every clock shows when a run begins, give or take `CLOCKS_APART_S`.
START_S = 1_800_000_000
CLOCKS_APART_S = 1.0
#: Where buckets begin and are split: few places, so that much happens at each.
BOUNDARIES_S = tuple(START_S - back for back in (4000, 3000, 2000, 1000))
#: When assets are created: next to each boundary, on both sides, and at it.
TIMES_MS = tuple(start_s * 1000 + ms for start_s in BOUNDARIES_S for ms in (-700, -1, 0, 300))
_NEVER = 1 << 40


def first_map(chance: random.Random) -> BucketMap:
    starts = [0, *sorted(chance.sample(BOUNDARIES_S, chance.choice((0, 1, 1, 2))))]
    buckets = tuple(Bucket(start_s=start_s, index=index_name(PREFIX, start_s, 1), token=1) for start_s in starts)
    return BucketMap(generation=1, buckets=buckets)


def sizes(chance: random.Random) -> BucketSizes:
    """Return random limits: in some runs, buckets roll and split automatically. An asset counts as 1,000 bytes."""
    return BucketSizes(
        roll_bytes=_NEVER,
        roll_documents=chance.choice((10, 20, _NEVER, _NEVER)),
        roll_lead_s=2 * CLOCKS_APART_S,
        limit_bytes=chance.choice((16_000, _NEVER, _NEVER)),
        split=True,
        rate=None,
    )
